package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/recipe/draft"
	"github.com/labring-actions/cluster-image/internal/source"
)

func newCommand(p *Program) *cli.Command {
	var (
		d       draft.Draft
		recipes string
		up      upstreams
	)
	return &cli.Command{
		Name:      "new",
		Usage:     "write the recipe of an application",
		ArgsUsage: "NAME",
		UsageText: "cluster-image new headlamp --chart headlamp --repo https://headlamp-k8s.github.io/headlamp\n" +
			"cluster-image new podinfo --chart oci://ghcr.io/stefanprodan/charts/podinfo\n" +
			"cluster-image new tool --binary https://github.com/o/tool/releases/download/v1.2.3/tool-linux-amd64 --version v1.2.3 --category cli",
		Description: "Looks at the chart, and writes NAME/latest/app.yaml in the directory of recipes. What it can't find out is asked for on a terminal, or " +
			"taken from flags. In the URL of a manifest or program, the version and the word for amd64 become placeholders. A recipe that exists is not touched.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "chart", Usage: "it is installed by the Helm chart `CHART`: a name in --repo, oci://REGISTRY/PATH, or the https URL of its archive", Destination: &d.Chart},
			&cli.StringFlag{Name: "repo", Usage: "the chart's repository is at `URL`", Destination: &d.Repo},
			&cli.StringFlag{Name: "manifest", Usage: "it is installed by the manifest at `URL`", Destination: &d.Manifest},
			&cli.StringFlag{Name: "binary", Usage: "it is the program at `URL`, for amd64", Destination: &d.Binary},
			&cli.StringFlag{Name: "extract", Usage: "the program is `PATH` in the archive at --binary", Destination: &d.Extract},
			&cli.StringFlag{Name: "sha256-url", Usage: "the checksum of the program is at `URL`", Destination: &d.SHA256URL},
			&cli.StringFlag{Name: "version", Usage: "take `VERSION` as the example", DefaultText: "the newest of the chart", Destination: &d.Version},
			&cli.StringFlag{Name: "description", Usage: "say what it is in `LINE`", DefaultText: "what the chart says", Destination: &d.Description},
			&cli.StringFlag{Name: "home", Usage: "the project's site is `URL`", DefaultText: "what the chart says", Destination: &d.Home},
			&cli.GenericFlag{Name: "category", Usage: "people look for it under `CATEGORY`; repeatable", Value: textsValue(&d.Categories)},
			&cli.StringFlag{Name: "namespace", Usage: "install it in `NAMESPACE`", DefaultText: "NAME", Destination: &d.Namespace},
			recipesFlag(&recipes),
		}, up.flags()...),
		Action: func(c *cli.Context) error {
			d.Name = c.Args().First()
			return p.draft(c.Context, &d, recipes, up)
		},
	}
}

func (p *Program) draft(ctx context.Context, d *draft.Draft, recipes string, up upstreams) error {
	if err := catalog.CheckName(d.Name); err != nil {
		return recipeFailure(err)
	}
	place := " --recipes " + recipes
	if recipes == "" {
		recipes, place = string(recipe.Application), ""
	}
	if entries, err := os.ReadDir(filepath.Join(recipes, d.Name)); err == nil && len(entries) > 0 {
		return usage("%s is there already", filepath.Join(recipes, d.Name)).Advise("take another name, or edit it")
	}
	if err := p.completeDraft(ctx, d, up); err != nil {
		return err
	}
	text, err := d.Text()
	if err != nil {
		return &failure.Failure{Class: failure.Usage, Err: err}
	}
	path := filepath.Join(recipes, d.Name, "latest", app.File)
	if err := writeNew(path, text); err != nil {
		return err
	}
	if err := p.review(recipes, d.Name); err != nil {
		return err
	}
	if d.KubeVersion != "" {
		p.Reporter().Note("the chart wants Kubernetes %s, which a recipe cannot say so: write what it means under requires, as kubernetes: \">=1.23 <1.33\"", d.KubeVersion)
	}
	p.Reporter().Note("see what it makes: %s plan %s%s; then which images it needs: %[1]s images %[2]s %[4]s%[3]s", name, d.Name, place, d.Version)
	return p.Result(path, map[string]string{"file": path, "version": d.Version})
}

// completeDraft finds out or asks for what the flags do not say.
func (p *Program) completeDraft(ctx context.Context, d *draft.Draft, up upstreams) error {
	ask := p.prompter()
	if d.Chart+d.Manifest+d.Binary == "" {
		if err := ask.sourceOf(d); err != nil {
			return err
		}
	}
	if err := oneSource(d); err != nil {
		return err
	}
	if err := p.lookIntoChart(ctx, d, ask, up); err != nil {
		return err
	}
	if d.Namespace == "" {
		d.Namespace = d.Name
	}
	return ask.rest(d)
}

// lookIntoChart takes from the chart, if there is one, what the flags do not say.
func (p *Program) lookIntoChart(ctx context.Context, d *draft.Draft, ask *prompter, up upstreams) error {
	if d.Chart == "" {
		return nil
	}
	if strings.HasPrefix(d.Repo, "oci://") && !d.IsWhole() {
		d.Chart, d.Repo = strings.TrimSuffix(d.Repo, "/")+"/"+d.Chart, ""
	}
	if !d.IsWhole() {
		if err := ask.text(&d.Repo, "repo", "the chart's repository, an https URL", ""); err != nil {
			return err
		}
	}
	client, err := p.sourceClient(up, source.GitHubAPI)
	if err != nil {
		return err
	}
	if err := d.Look(ctx, client); err != nil {
		return &failure.Failure{Class: failure.Source, Err: err}
	}
	return nil
}

// oneSource refuses two sources at once, and flags without theirs.
func oneSource(d *draft.Draft) error {
	n := 0
	for _, s := range []string{d.Chart, d.Manifest, d.Binary} {
		if s != "" {
			n++
		}
	}
	switch {
	case n > 1:
		return usage("--chart, --manifest and --binary exclude each other").Advise("begin with one, and add the others to the recipe: docs/recipes.md")
	case d.Repo != "" && d.Chart == "":
		return usage("--repo is of a chart, and there is no --chart")
	case d.Repo != "" && d.IsWhole():
		return usage("--chart %s says by itself where it is: leave --repo out", d.Chart)
	case d.Extract+d.SHA256URL != "" && d.Binary == "":
		return usage("--extract and --sha256-url are of a program, and there is no --binary")
	}
	return nil
}

// writeNew writes a file that must not exist.
func writeNew(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return failure.New(failure.Usage, "write recipe: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already", path)
	}
	if err != nil {
		return failure.New(failure.Usage, "write recipe: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// review tells what lint has to say about the new recipe.
func (p *Program) review(recipes, name string) error {
	c, err := catalog.OpenDir(recipes, recipe.Application)
	if err != nil {
		return err
	}
	findings, err := c.Lint([]string{name})
	if err != nil {
		return recipeFailure(err)
	}
	for _, f := range findings {
		p.Reporter().Note("%s", strings.TrimSpace(f.String()))
	}
	return nil
}
