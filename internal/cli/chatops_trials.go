package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/reply"
)

func chatopsTrialsCommand(p *Program) *cli.Command {
	var (
		a                   actions
		event, results, pol string
	)
	return &cli.Command{
		Name:      "trials",
		Usage:     "tell a pull request what its recipes change; runs on the default branch, after the run that tried them",
		UsageText: "cluster-image chatops trials --event \"$GITHUB_EVENT_PATH\" --results results",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "event", Usage: "the event workflow_run is in `FILE`", Required: true, Destination: &event},
			&cli.StringFlag{Name: "results", Usage: "results are in `DIR`/trial-ID", Value: "results", Destination: &results},
			&cli.StringFlag{Name: "policy", Usage: "the policy is in `FILE`", Value: ".github/chatops.yml", Destination: &pol},
		}, a.flags()),
		Action: func(c *cli.Context) error {
			e, err := github.ReadEvent(event, "workflow_run")
			if err != nil || e.WorkflowRun == nil {
				return usage("%s is no event workflow_run: %v", event, err)
			}
			rules, err := policy.ReadFile(pol)
			if err != nil {
				return usage("%v", err)
			}
			client, err := p.client(&a, e.Repository.FullName)
			if err != nil || client == nil {
				return err
			}
			return p.tellTrials(c.Context, client, rules.Bot, e.WorkflowRun, trials(results))
		},
	}
}

// maxTrials bounds what is read of a pull request's run: its plan has at most 30 builds.
const maxTrials = 30

// trials reads what the run of the pull request left. What can't be read is left out: the pull request wrote it.
func trials(dir string) []reply.Trial {
	dirs, _ := filepath.Glob(filepath.Join(dir, "trial-*"))
	var out []reply.Trial
	for _, d := range dirs[:min(len(dirs), maxTrials)] {
		now, err := outcome.Read(filepath.Join(d, "result.json"))
		if err != nil || now.Build.Check() != nil || filepath.Base(d) != "trial-"+now.Build.ID {
			continue
		}
		t := reply.Trial{Now: now}
		if before, err := outcome.Read(filepath.Join(d, "base.json")); err == nil {
			t.Before = &before
		}
		out = append(out, t)
	}
	return out
}

// tellTrials finds the pull request by its head, which GitHub says, and comments there once.
func (p *Program) tellTrials(ctx context.Context, c *github.Client, bot int64, run *github.Run, all []reply.Trial) error {
	number, err := c.PullRequest(ctx, run.HeadRepository.Owner.Login, run.HeadBranch, run.HeadSHA)
	if err != nil {
		return err
	}
	if number == 0 {
		return p.Result("no open pull request has this head", map[string]int{"pullRequest": 0})
	}
	comments, err := c.Comments(ctx, number)
	if err != nil {
		return err
	}
	mine := func(m github.Comment) bool { return m.User.ID == bot && strings.HasPrefix(m.Body, reply.TrialMark()) }
	text := reply.Trials(all, run.URL)
	for _, m := range comments {
		if mine(m) {
			return c.EditComment(ctx, m.ID, text)
		}
	}
	if len(all) == 0 {
		return p.Result("nothing was tried", map[string]int{"pullRequest": number})
	}
	if _, err := c.CreateComment(ctx, number, text, mine); err != nil {
		return err
	}
	return p.Result("told", map[string]int{"pullRequest": number})
}
