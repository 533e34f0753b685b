package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/source"
)

func chartVersionCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:      "chart-version",
		Usage:     "print the newest chart version of a repository that installs an application version",
		ArgsUsage: "REPO CHART APP-VERSION",
		UsageText: "cluster-image chart-version https://charts.jetstack.io cert-manager v1.16.2",
		Description: "For an init.sh: it compares the application version exactly, with or without a leading v, and the chart versions by semver. " +
			"Pre-releases count only when they are asked for.",
		Action: func(c *cli.Context) error {
			found, err := source.FindChart(c.Context, source.Query{
				Repository: c.Args().Get(0), Chart: c.Args().Get(1), AppVersion: c.Args().Get(2),
			})
			if err != nil {
				return &failure.Failure{Class: failure.Source, Err: err}
			}
			return p.Result(found.Version, found)
		},
	}
}
