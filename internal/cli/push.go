package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/publish"
)

func pushCommand(p *Program) *cli.Command {
	var (
		o             access
		login         credentials
		force, moving bool
	)
	return &cli.Command{
		Name:      "push",
		Usage:     "push an image from an OCI archive or layout to one or more tags",
		ArgsUsage: "ARCHIVE-OR-LAYOUT REF...",
		UsageText: "cluster-image push dist/nginx-1.29.1.tar docker.io/labring/nginx:1.29.1",
		Description: "The fourth of the four steps. What the registry has is not sent again. A tag that names another image is left alone without --force, " +
			"unless it is one that moves: latest, main, stable, vX.Y.",
		Flags: join([]cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "replace a tag that names another image", Destination: &force},
			&cli.BoolFlag{Name: "moving", Usage: "the tags move: replace what they named when the push began", Destination: &moving},
		}, login.flags(), o.flags()),
		Action: func(c *cli.Context) error {
			d := destination{push: c.Args().Tail(), called: "REF", force: force}
			targets, err := d.targets("", "")
			if err != nil {
				return err
			}
			for i := range targets {
				targets[i].Moving = targets[i].Moving || moving
			}
			keychain, err := login.keychain(p, hostsOf(targets))
			if err != nil {
				return err
			}
			image, err := assemble.Open(c.Args().First())
			if err != nil {
				return failure.New(failure.Usage, "%w", err)
			}
			e, err := p.engine(o, recipeRun{}, pipeline.MaybeInclude, keychain)
			if err != nil {
				return err
			}
			reports, err := e.Push(c.Context, image, targets)
			if err != nil {
				p.tellPushed(reports)
				return &failure.Failure{Class: failure.Registry, Step: "push", Err: login.explain(err)}
			}
			p.Reporter().Report()
			return p.Result(pushResult(reports))
		},
	}
}

func pushResult(reports []publish.Report) (string, []pushedImage) {
	var (
		lines []string
		doc   []pushedImage
	)
	for _, r := range reports {
		lines = append(lines, r.Name())
		pushed := pushedImage{Reference: r.Name(), Outcome: string(r.Outcome)}
		if r.Replaced.Hex != "" {
			pushed.Replaced = r.Replaced.String()
		}
		doc = append(doc, pushed)
	}
	return strings.Join(lines, "\n"), doc
}
