package cli

import "github.com/urfave/cli/v2"

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
