package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/pipeline"
)

// warnMixed tells of a directory that was saved to for one platform and for several: assemble takes what is below it alone.
func (p *Program) warnMixed(dir string) {
	if below := pipeline.Mixed(dir); len(below) > 0 {
		p.Reporter().Warn("%s is a registry directory and has others in it: assemble takes %s, and what is in %[1]s itself not", dir, strings.Join(below, " and "))
	}
}

func registryCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:      "registry",
		Usage:     "save, check, list and serve the registry directory of a cluster image",
		UsageText: "cluster-image registry save context --registry-dir registry --platform linux/arm64",
		Subcommands: []*cli.Command{
			registrySaveCommand(p), registryVerifyCommand(p), registryListCommand(p), registryServeCommand(p),
		},
	}
}
