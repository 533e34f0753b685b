package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

func registryListCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the images of a registry directory",
		ArgsUsage: "DIR",
		UsageText: "cluster-image registry list registry\ncluster-image registry list registry --json",
		Action: func(c *cli.Context) error {
			dirs, err := registryDirs(c.Args().First(), nil)
			if err != nil {
				return err
			}
			var all []registrydir.Entry
			for _, dir := range dirs.Dirs() {
				d, err := registrydir.Read(dir)
				if err != nil {
					return unreadable(err)
				}
				entries, err := d.List()
				if err != nil {
					return fmt.Errorf("list %s: %w", dir, err)
				}
				all = append(all, entries...)
			}
			return p.Result(imageTable(all), all)
		},
	}
}

func imageTable(entries []registrydir.Entry) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tPLATFORM\tDIGEST\tSIZE")
	for _, e := range entries {
		name := e.Repository
		if e.Tag != "" {
			name += ":" + e.Tag
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, e.Platform, e.Digest, progress.Bytes(e.Size))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}
