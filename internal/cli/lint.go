package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

func lintCommand(p *Program) *cli.Command {
	var (
		recipes string
		kind    recipe.Kind
		strict  bool
	)
	return &cli.Command{
		Name:      "lint",
		Usage:     "say what is wrong with recipes, by file and line",
		ArgsUsage: "[NAME...]",
		UsageText: "cluster-image lint\ncluster-image lint nginx cert-manager --strict",
		Description: "Looks at the recipes with these names, or at all, without any network. Errors end it with the exit code 3. A notice is what somebody " +
			"should know, such as a download without a checksum.",
		Flags: []cli.Flag{
			kindFlag(&kind), recipesFlag(&recipes),
			&cli.BoolFlag{Name: "strict", Usage: "let notices count as errors", Destination: &strict},
		},
		Action: func(c *cli.Context) error {
			all, err := p.catalogueOf(kind, recipes)
			if err != nil {
				return err
			}
			findings, err := all.Lint(c.Args().Slice())
			if err != nil {
				return recipeFailure(err)
			}
			return p.linted(findings, strict)
		},
	}
}

// linted prints the findings, and makes an error of them when there are errors.
func (p *Program) linted(findings []catalog.Finding, strict bool) error {
	var lines []string
	wrong := 0
	for i := range findings {
		if strict {
			findings[i].Level = catalog.LevelError
		}
		if findings[i].Level == catalog.LevelError {
			wrong++
		}
		lines = append(lines, findings[i].String())
	}
	document := struct {
		Errors   int               `json:"errors"`
		Findings []catalog.Finding `json:"findings"`
	}{wrong, append([]catalog.Finding{}, findings...)}
	if err := p.Result(strings.Join(lines, "\n"), document); err != nil {
		return err
	}
	if wrong > 0 {
		return failure.New(failure.Recipe, "%s", count(wrong, "error")).Advise("mend what is named above; docs/recipes.md explains the recipe")
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
