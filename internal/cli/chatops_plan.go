package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
)

func chatopsPlanCommand(p *Program) *cli.Command {
	var (
		f           planFlags
		event, name string
	)
	return &cli.Command{
		Name:      "plan",
		Usage:     "decide what becomes of an event: which images are built, or why none",
		UsageText: "cluster-image chatops plan --event \"$GITHUB_EVENT_PATH\" --output plan.json",
		Description: "The plan is one JSON document on standard output: version, action (build, cancel, answer or ignore), source, command, builds, waves (each " +
			"a matrix of at most 200 jobs) or a refusal. It builds nothing and answers nobody. Without GITHUB_TOKEN it decides as for a stranger.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "event", Usage: "the event is in `FILE`", Required: true, Destination: &event},
			&cli.StringFlag{Name: "event-name", Usage: "it is an event of the kind `NAME`", DefaultText: "told by what it has", EnvVars: []string{"GITHUB_EVENT_NAME"}, Destination: &name},
		}, f.flags()),
		Action: func(c *cli.Context) error { return p.chatopsPlan(c.Context, &f, event, name) },
	}
}

func (p *Program) chatopsPlan(ctx context.Context, f *planFlags, event, name string) error {
	e, err := github.ReadEvent(event, name)
	if err != nil {
		return usage("%v", err)
	}
	client, err := p.client(&f.actions, e.Repository.FullName)
	if err != nil {
		return err
	}
	planner, err := f.planner(e.Repository.FullName, client)
	if err != nil {
		return err
	}
	made, err := planner.Plan(ctx, e)
	if err != nil {
		return err
	}
	if made.Why != "" {
		p.Reporter().Note("%s: %s", made.Action, made.Why)
	}
	return p.give(f, made)
}
