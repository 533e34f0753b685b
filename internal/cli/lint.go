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
		marks   bool
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
			&cli.BoolFlag{Name: "annotate", Usage: "write errors as commands of GitHub Actions, which shows them beside the lines of a pull request", Destination: &marks},
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
			return p.linted(findings, strict, marks)
		},
	}
}

// linted prints the findings, and makes an error of them when there are errors.
func (p *Program) linted(findings []catalog.Finding, strict, annotate bool) error {
	var lines []string
	wrong := 0
	for i := range findings {
		if strict {
			findings[i].Level = catalog.LevelError
		}
		line := findings[i].String()
		if findings[i].Level == catalog.LevelError {
			wrong++
			if annotate {
				line = annotation(findings[i])
			}
		}
		lines = append(lines, line)
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

// annotation is a command to the runner: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func annotation(f catalog.Finding) string {
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	at := "file=" + property.Replace(f.Path)
	if f.Line > 0 {
		at += fmt.Sprintf(",line=%d", f.Line)
	}
	return "::error " + at + "::" + message.Replace(f.Message)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
