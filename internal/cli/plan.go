package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

func planCommand(p *Program) *cli.Command {
	var (
		recipes   string
		platforms []string
	)
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what a declarative recipe would download, and the Kubefile and start script that it makes",
		ArgsUsage: "NAME [VERSION]",
		UsageText: "cluster-image plan nginx 1.29.1 --platform linux/arm64",
		Description: "Asks nobody: what only a server knows, such as the version of a chart, stays a placeholder. Without VERSION it is that of the recipe's " +
			"example. Without --platform it is for linux/amd64, with --json for every platform.",
		Flags: []cli.Flag{platformFlag(&platforms), recipesFlag(&recipes)},
		Action: func(c *cli.Context) error {
			plans, err := p.plans(recipes, c.Args().Get(0), c.Args().Get(1), platforms)
			if err != nil {
				return err
			}
			var texts []string
			for _, plan := range plans {
				texts = append(texts, plan.String())
			}
			return p.Result(strings.Join(texts, "\n"), plans)
		},
	}
}

func (p *Program) plans(recipes, name, version string, platforms []string) ([]app.Plan, error) {
	all, err := p.catalogue(recipes)
	if err != nil {
		return nil, err
	}
	if version == "" {
		if version, err = all.Example(name); err != nil {
			return nil, recipeFailure(err)
		}
	}
	r, err := all.Find(name, version)
	if err != nil {
		return nil, recipeFailure(err)
	}
	asked := len(platforms) > 0
	if !asked {
		platforms = pipeline.Platforms
	}
	out := []app.Plan{}
	for _, platform := range platforms {
		switch {
		case r.Serves(platform):
		case asked:
			return nil, recipeFailure(&pipeline.PlatformError{Recipe: r, Platform: platform})
		default:
			continue
		}
		plan, err := r.Plan(platform)
		if err != nil {
			return nil, recipeFailure(err)
		}
		if out = append(out, plan); !p.JSON && !asked {
			break
		}
	}
	return out, nil
}
