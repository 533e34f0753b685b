package cli

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/demo"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/render"
	"github.com/labring-actions/cluster-image/internal/sandbox"
)

func demoCommand(p *Program) *cli.Command {
	var keep string
	return &cli.Command{
		Name:      "demo",
		Usage:     "build, push and check a cluster image on this machine alone, and tell how it goes",
		UsageText: "cluster-image demo\ncluster-image demo --keep demo",
		Description: "It needs no network and no preparation: a chart repository, a file server and two registries run inside the program for as long as it " +
			"takes. The digest it ends with is the same on every machine.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "keep", Usage: "leave everything in `DIR`, which must not exist or be empty", Destination: &keep},
		},
		Action: func(c *cli.Context) error {
			exe, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			digest, err := demo.Run(c.Context, demo.Options{
				Engine: pipeline.Options{
					Renderer: render.Child(exe, RenderCommand), Sandbox: sandbox.Options{Exe: exe}, InstallTools: p.InstallTools,
				},
				Keep: keep, Tell: p.Reporter().Note, Reporter: p.Reporter(),
			})
			if err != nil {
				return err
			}
			return p.Result(digest, map[string]string{"application": demo.Application, "version": demo.Version, "digest": digest})
		},
	}
}
