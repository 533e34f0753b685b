package cli

import "github.com/urfave/cli/v2"

// commands are the makers of the commands, in the order in which help lists them.
func commands() []func(*Program) *cli.Command {
	return []func(*Program) *cli.Command{
		buildCommand,
		downloadCommand,
		registryCommand,
		assembleCommand,
		pushCommand,
		repackCommand,
		imagesCommand,
		listCommand,
		showCommand,
		newCommand,
		lintCommand,
		planCommand,
		schemaCommand,
		lockCommand,
		outdatedCommand,
		diffCommand,
		readmeCommand,
		siteCommand,
		demoCommand,
		chartVersionCommand,
		fetchCommand,
		storeCommand,
		chatopsCommand,
	}
}
