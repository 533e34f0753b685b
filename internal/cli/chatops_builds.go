package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops/builds"
	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/history"
)

func chatopsBuildsCommand(p *Program) *cli.Command {
	var (
		a                   actions
		event, site, output string
	)
	return &cli.Command{
		Name:      "builds",
		Usage:     "write the record of what was built: what the published site has, and what runs have left since",
		UsageText: "cluster-image chatops builds --event \"$GITHUB_EVENT_PATH\" --output builds.json",
		Description: "The result is for cluster-image site --builds. Only runs of the default branch's own workflows count. A site that has no record yet is none; " +
			"any other failure ends the command, so that no history is lost.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "event", Usage: "the event, which names the repository, is in `FILE`", Required: true, Destination: &event},
			&cli.StringFlag{Name: "site", Usage: "the published site is at `URL`", DefaultText: "that of the repository's Pages", Destination: &site},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the record to `FILE`", Required: true, Destination: &output},
		}, a.flags()),
		Action: func(c *cli.Context) error {
			e, err := github.ReadEvent(event, "")
			if err != nil || e.Repository.DefaultBranch == "" {
				return usage("%s is no event that names a repository and its default branch: %v", event, err)
			}
			client, err := p.client(&a, e.Repository.FullName)
			if err == nil && client == nil {
				err = usage("GITHUB_TOKEN is not set, and GitHub is asked for what runs have left")
			}
			if err != nil {
				return err
			}
			g := builds.Gatherer{
				GitHub: client, Repository: e.Repository.FullName, Branch: e.Repository.DefaultBranch, Now: time.Now(), Warn: p.Reporter().Warn,
			}
			former, err := p.published(c.Context, g, site, fmt.Sprintf("%d-%d", a.run, a.attempt))
			if err != nil {
				return failure.New(failure.Source, "the record of the published site can't be read: %w", err).
					Advise("run it again; where the site's record is damaged, mend it by hand: it is published as %s", history.File)
			}
			all, err := g.Since(c.Context, former)
			if err != nil {
				return failure.New(failure.Source, "what runs have left can't be read: %w", err)
			}
			if err := writeBuilds(output, all); err != nil {
				return err
			}
			return p.Result(fmt.Sprintf("%s: %d builds, of which the site had %d", output, len(all), len(former)), all)
		},
	}
}

// published is the record that the site has.
func (p *Program) published(ctx context.Context, g builds.Gatherer, site, mark string) ([]history.Build, error) {
	if site == "" {
		var err error
		site, err = g.GitHub.Pages(ctx)
		if errors.Is(err, github.ErrNotFound) {
			p.Reporter().Note("the repository has no site yet")
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	former, err := g.Published(ctx, site, mark)
	if err == nil && former == nil {
		p.Reporter().Note("the site at %s has no %s yet", site, history.File)
	}
	return former, err
}

// writeBuilds writes a record.
func writeBuilds(file string, all []history.Build) error {
	text, err := history.Text(all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return failure.New(failure.Usage, "write builds: %w", err)
	}
	return nil
}
