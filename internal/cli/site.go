package cli

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/history"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/site"
)

// projectAddress is where the recipes lie that this program brings along.
const projectAddress = "https://github.com/labring-actions/cluster-image"

func siteCommand(p *Program) *cli.Command {
	var recipes, builds, locks, output string
	c := site.Catalogue{Repository: projectAddress}
	return &cli.Command{
		Name:      "site",
		Usage:     "write the catalogue as a static site",
		UsageText: "cluster-image site --output _site",
		Description: "A page that searches all applications, and a page of each, in English and Chinese. It needs no server and loads nothing from elsewhere. " +
			"The directory appears whole or not at all; a site of an earlier run is replaced, a directory with anything else in it is refused.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to the directory `DIR`", Required: true, Destination: &output},
			publishedFlag(&c.Registry),
			&cli.StringFlag{Name: "repository", Usage: "the recipes lie in the project at `URL`; empty leaves links to it out", Value: c.Repository, Destination: &c.Repository},
			&cli.StringFlag{Name: "builds", Usage: "take finished builds from the JSON list in `FILE`, which the site then has as builds.json", Destination: &builds},
			locksFlag(&locks), recipesFlag(&recipes),
		},
		Action: func(*cli.Context) error {
			if err := checkAddresses(c); err != nil {
				return err
			}
			all, err := p.catalogue(recipes)
			if err != nil {
				return err
			}
			finished, err := readBuilds(builds)
			if err != nil {
				return err
			}
			if c.Apps, err = site.Gather(all, finished, locksOf(locks)); err != nil {
				return recipeFailure(err)
			}
			schema, err := app.Schema()
			if err != nil {
				return err
			}
			extra := map[string][]byte{site.SchemaFile: schema}
			if builds != "" {
				if extra[history.File], err = history.Text(history.Merge(finished)); err != nil {
					return err
				}
			}
			written, err := site.Write(site.Options{Catalogue: c, Output: output, Extra: extra})
			if err != nil {
				return err
			}
			return p.Result(fmt.Sprintf("%s: %s, open index.html", output, count(written.Apps, "application")), written)
		},
	}
}

// checkAddresses refuses what no command or link of the site could be made of.
func checkAddresses(c site.Catalogue) error {
	if err := checkPublished(c.Registry); err != nil {
		return err
	}
	if u, err := url.Parse(c.Repository); c.Repository != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return usage("--repository %q is no address of a page", c.Repository).Advise("want one such as %s", projectAddress)
	}
	return nil
}

// publishedFlag says where the images of a catalogue are, for the commands that its READMEs and pages show.
func publishedFlag(dst *string) cli.Flag {
	return &cli.StringFlag{Name: "registry", Usage: "the images are in `REGISTRY/NAMESPACE`", Value: "docker.io/labring", Destination: dst}
}

func checkPublished(registry string) error {
	if _, err := reference.Parse(strings.TrimSuffix(registry, "/") + "/name:version"); err != nil {
		return usage("--registry %q: %v", registry, err).Advise("want a registry and what stands before the names of images, such as docker.io/labring")
	}
	return nil
}

// readBuilds reads the file of finished builds; none without a file.
func readBuilds(file string) ([]history.Build, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, usage("--builds %s: %v", file, cause(err))
	}
	defer f.Close()
	finished, err := history.Read(f, time.Now())
	if err != nil {
		return nil, failure.New(failure.Usage, "--builds %s: %w", file, err).
			Advise(`want a JSON list of {"name", "version", "time", "digest", "url"}, with times as 2026-01-02T03:04:05Z`)
	}
	return finished, nil
}
