package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops"
	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/registry"
)

func chatopsCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:      "chatops",
		Usage:     "builds by issue comment: what the workflows of the repository call",
		UsageText: "cluster-image chatops plan --event event.json",
		Description: "docs/operations.md explains how they go together. Identity comes from the environment of GitHub Actions (GITHUB_TOKEN, GITHUB_REPOSITORY, " +
			"GITHUB_RUN_ID and so on), events from a file, builds from the variable BUILD.",
		Subcommands: []*cli.Command{
			chatopsPlanCommand(p), chatopsScheduleCommand(p), chatopsChangedCommand(p), chatopsReplyCommand(p), chatopsCancelCommand(p),
			chatopsBuildCommand(p), chatopsPushCommand(p), chatopsTrialsCommand(p), chatopsBuildsCommand(p),
		},
	}
}

// actions is what GitHub Actions says of itself.
type actions struct {
	token, teamsToken, url, server, repository, output, summary string
	run                                                         int64
	attempt                                                     int
	inside                                                      bool
}

func (a *actions) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "api", Usage: "ask GitHub at `URL`", DefaultText: "https://api.github.com", EnvVars: []string{"GITHUB_API_URL"}, Destination: &a.url},
		&cli.StringFlag{Name: "repository", Usage: "the repository is `OWNER/NAME`", DefaultText: "that of the event", EnvVars: []string{"GITHUB_REPOSITORY"}, Destination: &a.repository},
		&cli.Int64Flag{Name: "run", Usage: "the run of the workflow is `N`", EnvVars: []string{"GITHUB_RUN_ID"}, Destination: &a.run},
		&cli.IntFlag{Name: "attempt", Usage: "its attempt is `N`", EnvVars: []string{"GITHUB_RUN_ATTEMPT"}, Destination: &a.attempt},
	}
}

// read takes what is no flag: tokens never are.
func (a *actions) read() {
	a.token, a.teamsToken = os.Getenv("GITHUB_TOKEN"), os.Getenv("TEAMS_TOKEN")
	a.server, a.output, a.summary = os.Getenv("GITHUB_SERVER_URL"), os.Getenv("GITHUB_OUTPUT"), os.Getenv("GITHUB_STEP_SUMMARY")
	a.inside = os.Getenv("GITHUB_ACTIONS") == "true"
}

// client is nil without a token, which is only right on a machine of one's own.
func (p *Program) client(a *actions, repository string) (*github.Client, error) {
	a.read()
	if a.token == "" {
		if a.inside {
			return nil, usage("GITHUB_TOKEN is not set").Advise("give the step env: GITHUB_TOKEN: ${{ github.token }}")
		}
		p.Reporter().Warn("GITHUB_TOKEN is not set: nobody's permission is looked up, no limit is counted, and nothing is known of what was answered before")
		return nil, nil
	}
	if a.repository != "" && a.repository != repository {
		return nil, usage("the event is one of %s, and this runs for %s", repository, a.repository)
	}
	p.Secrets.Add(a.token)
	p.Secrets.Add(a.teamsToken)
	c, err := github.New(github.Options{
		URL: a.url, Repository: repository, Token: a.token, TeamsToken: a.teamsToken, Clock: registry.WallClock{}, Tell: p.Reporter().Note,
	})
	if err != nil {
		return nil, usage("%v", err)
	}
	return c, nil
}

func (a *actions) runURL(repository string) string {
	if a.server == "" || a.run == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%s/actions/runs/%d", a.server, repository, a.run)
}

// set hands values to later steps and jobs. No value has a line break.
func (a *actions) set(values ...[2]string) error {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
	}
	return appendTo(a.output, b.String())
}

// appendTo adds to a file of the runner; without one it does nothing.
func appendTo(file, text string) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write for later steps: %w", err)
	}
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close()
		return fmt.Errorf("write for later steps: %w", err)
	}
	return f.Close()
}

// planFlags say by which policy and recipes is decided.
type planFlags struct {
	actions
	policy, root, registry, file string
}

func (f *planFlags) flags() []cli.Flag {
	return join([]cli.Flag{
		&cli.StringFlag{Name: "policy", Usage: "decide by the policy in `FILE`", Value: ".github/chatops.yml", Destination: &f.policy},
		&cli.StringFlag{Name: "root", Usage: "take recipes from the checkout `DIR`", Value: ".", Destination: &f.root},
		&cli.StringFlag{Name: "registry", Usage: "push to `REGISTRY`/NAME:VERSION", DefaultText: "that of the policy", EnvVars: []string{"CHATOPS_REGISTRY"}, Destination: &f.registry},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the plan to `FILE` as well", Destination: &f.file},
	}, f.actions.flags())
}

// planner makes the planner. It asks GitHub only if there is a client.
func (f *planFlags) planner(repository string, c *github.Client) (*plan.Planner, error) {
	f.read()
	pol, err := policy.ReadFile(f.policy)
	if err != nil {
		return nil, usage("%v", err).Advise("docs/operations.md explains the policy")
	}
	out := &plan.Planner{
		Policy: pol, Root: f.root, Registry: f.registry, Now: time.Now, Run: f.run, Attempt: f.attempt, RunURL: f.runURL(repository),
	}
	if c != nil {
		out.GitHub = c
	}
	return out, nil
}

// give writes a plan to its file, its waves for later jobs, and itself to standard output.
func (p *Program) give(f *planFlags, made plan.Plan) error {
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	if f.file != "" {
		if err := os.WriteFile(f.file, append(text, '\n'), 0o644); err != nil {
			return failure.New(failure.Usage, "write plan: %w", err)
		}
	}
	values := [][2]string{{"action", string(made.Action)}}
	for i, w := range made.Waves {
		line, err := json.Marshal(w)
		if err != nil {
			return fmt.Errorf("write matrix: %w", err)
		}
		values = append(values, [2]string{fmt.Sprintf("wave%d", i+1), string(line)})
	}
	if err := f.set(values...); err != nil {
		return err
	}
	return p.Result(string(text), made)
}

// conversation is that about the plan in a file; nil when the plan is not about an issue.
func (p *Program) conversation(a *actions, f *talkFlags) (*chatops.Conversation, error) {
	made, err := plan.ReadFile(f.plan)
	if err != nil {
		return nil, usage("%v", err)
	}
	pol, err := policy.ReadFile(f.policy)
	if err != nil {
		return nil, usage("%v", err)
	}
	a.read()
	out := &chatops.Conversation{Policy: pol, Plan: made, Clock: registry.WallClock{}, Tell: p.Reporter().Warn}
	if made.Source.Issue == 0 {
		return out, nil
	}
	out.GitHub, err = p.client(a, made.Source.Repository)
	if err == nil && out.GitHub == nil {
		err = usage("GITHUB_TOKEN is not set, and there is an issue to answer on")
	}
	return out, err
}
