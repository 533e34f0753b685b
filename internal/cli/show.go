package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

func showCommand(p *Program) *cli.Command {
	var (
		recipes string
		kind    recipe.Kind
	)
	return &cli.Command{
		Name:      "show",
		Usage:     "show what there is of an application: its recipes, their files, its README",
		ArgsUsage: "NAME",
		UsageText: "cluster-image show nginx",
		Flags:     []cli.Flag{kindFlag(&kind), recipesFlag(&recipes)},
		Action: func(c *cli.Context) error {
			all, err := p.catalogueOf(kind, recipes)
			if err != nil {
				return err
			}
			app, err := all.Show(c.Args().First())
			if err != nil {
				return recipeFailure(err)
			}
			return p.Result(shown(app), app)
		},
	}
}

func shown(app catalog.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, from %s\n", app.Name, app.Origin)
	for _, r := range app.Recipes {
		fmt.Fprintf(&b, "\n%s: %s\n", r.Dir, strings.Join(r.Files, " "))
		if len(r.Platforms) > 0 {
			fmt.Fprintf(&b, "  only for %s\n", strings.Join(r.Platforms, ", "))
		}
		for _, m := range r.Mirrors {
			fmt.Fprintf(&b, "  fetched elsewhere: %s\n", m)
		}
	}
	if app.Readme != "" {
		fmt.Fprintf(&b, "\n%s", app.Readme)
	}
	return b.String()
}
