package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/progress"
)

func storeCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:        "store",
		Usage:       "look after the content store",
		UsageText:   "cluster-image store check",
		Subcommands: []*cli.Command{storeCheckCommand(p)},
	}
}

func storeCheckCommand(p *Program) *cli.Command {
	var o access
	return &cli.Command{
		Name:        "check",
		Usage:       "read every blob of the content store again",
		UsageText:   "cluster-image store check --cache /var/cache/cluster-image",
		Description: "A blob whose bytes are not what its name says is dropped; the next build that needs it fetches it anew.",
		Flags:       []cli.Flag{o.cacheFlag()},
		Action: func(c *cli.Context) error {
			if _, err := os.Stat(o.cache); o.cache != "" && err != nil {
				return usage("--cache %s: %v", o.cache, cause(err))
			}
			e, err := p.engine(o, recipeRun{}, pipeline.MaybeInclude, nil)
			if err != nil {
				return err
			}
			report, err := e.CheckStore(c.Context)
			if err != nil {
				return fmt.Errorf("check content store: %w", err)
			}
			lines := []string{fmt.Sprintf("%d blobs, %s: %d dropped", report.Blobs, progress.Bytes(report.Bytes), len(report.Bad))}
			for _, b := range report.Bad {
				lines = append(lines, fmt.Sprintf("%s: %s", b.Name, b.Reason))
			}
			return p.Result(strings.Join(lines, "\n"), report)
		},
	}
}
