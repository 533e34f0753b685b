package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

func listCommand(p *Program) *cli.Command {
	var (
		recipes string
		kind    recipe.Kind
	)
	return &cli.Command{
		Name:      "list",
		Usage:     "list what there are recipes for",
		ArgsUsage: "[WORD]",
		UsageText: "cluster-image list\ncluster-image list certificate",
		Flags:     []cli.Flag{kindFlag(&kind), recipesFlag(&recipes)},
		Action: func(c *cli.Context) error {
			all, err := p.catalogueOf(kind, recipes)
			if err != nil {
				return err
			}
			word := c.Args().First()
			entries, err := all.List(word)
			if err != nil {
				return recipeFailure(err)
			}
			if len(entries) == 0 && word != "" {
				p.Reporter().Note("nothing in the catalogue has %q in its name or description", word)
			}
			return p.Result(listing(entries), entries)
		},
	}
}

func listing(entries []catalog.Entry) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range entries {
		fmt.Fprintln(w, strings.TrimRight(strings.Join([]string{e.Name, strings.Join(e.Versions, " "), e.About}, "\t"), "\t"))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}
