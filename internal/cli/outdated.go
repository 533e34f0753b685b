package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/source"
	"github.com/labring-actions/cluster-image/internal/upstream"
)

func outdatedCommand(p *Program) *cli.Command {
	var (
		recipes, locks, api string
		pre                 bool
		up                  upstreams
	)
	return &cli.Command{
		Name:      "outdated",
		Usage:     "say which newer versions the projects publish than the catalogue knows",
		ArgsUsage: "[NAME...]",
		UsageText: "cluster-image outdated\ncluster-image outdated cert-manager --pre\ncluster-image outdated --json",
		Description: "Asks the chart indexes, registries and releases on GitHub that the recipes name, each once. Versions count that a recipe serves and " +
			"that are stable. With --json the result is a list of {name, dir, current, newest, versions}. When some place does not answer, the rest is " +
			"printed all the same, and the exit code is 4. $GITHUB_TOKEN, if it is set, raises GitHub's limit of 60 questions an hour.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "pre", Usage: "count versions that are not stable, too", Destination: &pre},
			&cli.StringFlag{Name: "github-api", Usage: "ask the GitHub API at `URL`", Value: source.GitHubAPI, EnvVars: []string{"GITHUB_API_URL"}, Destination: &api},
			locksFlag(&locks), recipesFlag(&recipes),
		}, up.flags()...),
		Action: func(c *cli.Context) error {
			all, err := p.catalogue(recipes)
			if err != nil {
				return err
			}
			rs, err := all.Recipes(c.Args().Slice()...)
			if err != nil {
				return recipeFailure(err)
			}
			client, err := p.sourceClient(up, api)
			if err != nil {
				return err
			}
			report, err := upstream.Compare(c.Context, upstream.Options{Client: client, API: api, Recipes: rs, Prereleases: pre, Known: lockedVersions(locks)})
			if err != nil {
				return err
			}
			p.Reporter().Note("%s compared, %d outdated, %s", count(report.Compared, "recipe"), len(report.Outdated), unwatched(len(report.Unwatched)))
			if err := p.Result(outdatedText(report), append([]upstream.Outdated{}, report.Outdated...)); err != nil {
				return err
			}
			return unanswered(report)
		},
	}
}

// lockedVersions are those that somebody has built already.
func lockedVersions(locks string) func(recipe.Recipe) ([]string, error) {
	read := locksOf(locks)
	return func(r recipe.Recipe) ([]string, error) {
		all, err := read(r)
		if err != nil {
			return nil, recipeFailure(err)
		}
		var out []string
		for _, l := range all {
			out = append(out, l.Version)
		}
		return out, nil
	}
}

func outdatedText(r upstream.Report) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, o := range r.Outdated {
		more := ""
		if n := len(o.Versions) - 1; n > 0 {
			more = "and " + count(n, "version") + " between"
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join([]string{o.Name + "/" + o.Dir, o.Current, o.Newest, more}, "\t"), "\t"))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}

func unwatched(n int) string {
	if n == 1 {
		return "1 does not say where its versions are published"
	}
	return fmt.Sprintf("%d do not say where their versions are published", n)
}

// unanswered is the error for the places that did not answer, all of them.
func unanswered(r upstream.Report) error {
	if len(r.Failed) == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("%s did not answer", count(len(r.Failed), "place"))}
	for _, f := range r.Failed {
		lines = append(lines, fmt.Sprintf("%s (%s): %v", strings.Join(f.Recipes, ", "), f.Place, f.Err))
	}
	return failure.New(failure.Source, "%s", strings.Join(lines, "\n")).Advise("what is printed above is all that could be compared; try again later for the rest")
}
