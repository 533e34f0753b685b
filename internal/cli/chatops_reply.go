package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
	"github.com/labring-actions/cluster-image/internal/chatops/reply"
)

// talkFlags say what is talked about.
type talkFlags struct{ plan, policy string }

func (f *talkFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "plan", Usage: "the plan is in `FILE`", Required: true, Destination: &f.plan},
		&cli.StringFlag{Name: "policy", Usage: "the policy is in `FILE`", Value: ".github/chatops.yml", Destination: &f.policy},
	}
}

func chatopsReplyCommand(p *Program) *cli.Command {
	var (
		a                 actions
		f                 talkFlags
		results, outcomes string
		builds            string
	)
	return &cli.Command{
		Name:      "reply",
		Usage:     "answer a request, and keep the answer up to date",
		ArgsUsage: "STATE",
		UsageText: "cluster-image chatops reply accepted --plan plan.json",
		Description: "STATE is accepted (the first answer, whatever the plan says; its output proceed says whether the builds may begin), running (follows the jobs " +
			"until they are over) or finished (reads the results). One comment is made and then edited; the labels of the issue follow.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "results", Usage: "results are in `DIR`/result-ID/result.json", Value: "results", Destination: &results},
			&cli.StringFlag{Name: "builds", Usage: "write what was pushed to `FILE` as well, for chatops builds", Destination: &builds},
			&cli.StringFlag{Name: "outcomes", Usage: "the builds' jobs ended as `WORDS`, which say whether somebody cancelled them", Destination: &outcomes},
		}, f.flags(), a.flags()),
		Action: func(c *cli.Context) error {
			talk, err := p.conversation(&a, &f)
			if err != nil {
				return err
			}
			switch state := c.Args().First(); state {
			case "accepted":
				return p.replyAccepted(c.Context, talk, &a)
			case "running":
				if talk.Plan.Source.Issue == 0 {
					return p.Result("there is no issue to answer on", struct{}{})
				}
				return talk.Watch(c.Context)
			case "finished":
				all := outcome.Gather(talk.Plan, results)
				if err := keepBuilds(builds, all, talk.Plan.Source.RunURL); err != nil {
					return err
				}
				return p.replyFinished(c.Context, talk, &a, all, strings.Contains(outcomes, "cancelled"))
			default:
				return usage("there is no state %.60q", state).Advise("want accepted, running or finished")
			}
		},
	}
}

func (p *Program) replyAccepted(ctx context.Context, talk *chatops.Conversation, a *actions) error {
	proceed, err := talk.Open(ctx)
	if err != nil {
		return err
	}
	if talk.Plan.Source.Issue == 0 { // nobody else is told
		if err := appendTo(a.summary, talk.First()); err != nil {
			return err
		}
	}
	if err := a.set([2]string{"proceed", fmt.Sprint(proceed)}); err != nil {
		return err
	}
	return p.Result(fmt.Sprintf("proceed: %v", proceed), map[string]bool{"proceed": proceed})
}

func (p *Program) replyFinished(ctx context.Context, talk *chatops.Conversation, a *actions, all []outcome.Outcome, cancelled bool) error {
	state, err := talk.Close(ctx, all, cancelled)
	if err != nil {
		return err
	}
	letter := reply.Letter{Plan: talk.Plan, State: state, Outcomes: all}
	if err := appendTo(a.summary, letter.String()); err != nil {
		return err
	}
	return p.Result(string(state), map[string]record.State{"state": state})
}

// keepBuilds leaves what was pushed, for the record of what was built; nothing where nothing was.
func keepBuilds(file string, all []outcome.Outcome, runURL string) error {
	pushed := outcome.History(all, runURL, time.Now())
	if file == "" || len(pushed) == 0 {
		return nil
	}
	return writeBuilds(file, pushed)
}

func chatopsCancelCommand(p *Program) *cli.Command {
	var (
		a actions
		f talkFlags
	)
	return &cli.Command{
		Name:      "cancel",
		Usage:     "end the runs that a plan names",
		UsageText: "cluster-image chatops cancel --plan plan.json",
		Flags:     join(f.flags(), a.flags()),
		Action: func(c *cli.Context) error {
			talk, err := p.conversation(&a, &f)
			if err != nil {
				return err
			}
			if talk.Plan.Action != plan.DoCancel {
				return usage("the plan is about something else: %s", talk.Plan.Action)
			}
			for _, run := range talk.Plan.Cancel {
				if err := talk.GitHub.CancelRun(c.Context, run); err != nil {
					return err
				}
			}
			return p.Result(fmt.Sprintf("%d runs cancelled", len(talk.Plan.Cancel)), map[string][]int64{"cancelled": talk.Plan.Cancel})
		},
	}
}
