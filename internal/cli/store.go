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

// checkedStore is the JSON result of store check: what is good, what was dropped, and what a next fetch goes on with.
type checkedStore struct {
	Blobs     int           `json:"blobs"`
	Bytes     int64         `json:"bytes"`
	Dropped   []droppedBlob `json:"dropped"`
	Parts     int           `json:"parts"`
	PartBytes int64         `json:"partBytes"`
}

type droppedBlob struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
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
			doc := checkedStore{Blobs: report.Blobs, Bytes: report.Bytes, Parts: report.Parts, PartBytes: report.PartBytes, Dropped: []droppedBlob{}}
			lines := []string{fmt.Sprintf("%d blobs, %s: %d dropped", report.Blobs, progress.Bytes(report.Bytes), len(report.Bad))}
			for _, b := range report.Bad {
				doc.Dropped = append(doc.Dropped, droppedBlob(b))
				lines = append(lines, fmt.Sprintf("%s: %s", b.Name, b.Reason))
			}
			return p.Result(strings.Join(lines, "\n"), doc)
		},
	}
}
