package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/failure"
)

func readmeCommand(p *Program) *cli.Command {
	var (
		recipes, registry string
		all, check        bool
	)
	return &cli.Command{
		Name:      "readme",
		Usage:     "write the README of an application from its recipe",
		ArgsUsage: "[NAME...]",
		UsageText: "cluster-image readme nginx\ncluster-image readme --all --check",
		Description: "Writes NAME/README.md in the directory of recipes, and prints the files that it changed. Applications with a recipe of scripts keep " +
			"what they have. With --check nothing is written: files that are not as they should be are named, and the exit code is 3.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "all applications", Destination: &all},
			&cli.BoolFlag{Name: "check", Usage: "write nothing, say which are out of date", Destination: &check},
			publishedFlag(&registry), recipesFlag(&recipes),
		},
		Action: func(c *cli.Context) error {
			names := c.Args().Slice()
			if all == (len(names) > 0) {
				return usage("readme takes names, or --all")
			}
			if err := checkPublished(registry); err != nil {
				return err
			}
			changed, err := p.readmes(recipes, strings.TrimSuffix(registry, "/"), names, check)
			if err != nil {
				return err
			}
			if err := p.Result(strings.Join(changed, "\n"), append([]string{}, changed...)); err != nil {
				return err
			}
			if check && len(changed) > 0 {
				return failure.New(failure.Recipe, "%s out of date", count(len(changed), "README")).Advise("cluster-image readme --all writes them anew")
			}
			return nil
		},
	}
}

// readmes writes what is not as it should be, or only names it.
func (p *Program) readmes(recipes, registry string, names []string, check bool) ([]string, error) {
	all, err := p.catalogue(recipes)
	if err != nil {
		return nil, err
	}
	dir := all.Dir()
	if dir == "" && !check {
		return nil, usage("the compiled in catalogue can't be written").Advise("say with --recipes DIR where yours is")
	}
	if len(names) == 0 {
		if names, err = all.Names(); err != nil {
			return nil, err
		}
	}
	var changed []string
	for _, name := range names {
		path, err := renew(all, dir, name, registry, check)
		if err != nil {
			return changed, recipeFailure(err)
		}
		if path != "" {
			changed = append(changed, path)
		}
	}
	return changed, nil
}

// renew brings one README up to date and gives its path when it was not.
func renew(all *catalog.Catalog, dir, name, registry string, check bool) (string, error) {
	want, is, err := all.Readme(name, registry)
	if err != nil || want == is {
		return "", err
	}
	path := filepath.Join(dir, name, "README.md")
	if check {
		return path, nil
	}
	return path, os.WriteFile(path, []byte(want), 0o644)
}
