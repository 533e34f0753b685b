package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/failure"
)

// buildVariable holds the build of a job, as a plan has it.
const buildVariable = "BUILD"

// jobFlags are those of the steps of a build's job.
type jobFlags struct{ layout, result, extra string }

func (f *jobFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "layout", Usage: "the image is in `DIR`", Value: "image", Destination: &f.layout},
		&cli.StringFlag{Name: "result", Usage: "what became of it is in `FILE`", Value: "result.json", Destination: &f.result},
		&cli.StringFlag{Name: "flags", Usage: "give build these `FLAGS`, parted by blanks", EnvVars: []string{"BUILD_FLAGS"}, Destination: &f.extra},
	}
}

// runner runs this program again.
func (p *Program) runner(f *jobFlags) (outcome.Runner, error) {
	exe, err := os.Executable()
	if err != nil {
		return outcome.Runner{}, fmt.Errorf("find this program: %w", err)
	}
	return outcome.Runner{
		Program: exe, Log: p.Stderr, Flags: strings.Fields(f.extra), InActions: os.Getenv("GITHUB_ACTIONS") == "true", Now: time.Now,
	}, nil
}

func chatopsBuildCommand(p *Program) *cli.Command {
	var (
		f               jobFlags
		dryRun, sandbox bool
		until, work     string
	)
	return &cli.Command{
		Name:      "build",
		Usage:     "build what the variable BUILD says, at once or step by step, and leave image and result; nothing secret is needed",
		UsageText: "BUILD='{\"id\": …}' cluster-image chatops build --layout image --result result.json",
		Flags: join([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only resolve the images", Destination: &dryRun},
			&cli.StringFlag{Name: "until", Usage: "run the steps of it up to `STEP`, download or save; later ones go on from there", Destination: &until},
			&cli.StringFlag{Name: "work", Usage: "keep what the steps leave to each other in `DIR`", Destination: &work},
			&cli.BoolFlag{Name: "require-sandbox", Usage: "refuse to run an init.sh where the kernel cannot confine it", Destination: &sandbox},
		}, f.flags()),
		Action: func(c *cli.Context) error {
			b, err := plan.ReadBuild(os.Getenv(buildVariable))
			if err != nil {
				return usage("%s: %v", buildVariable, err)
			}
			r, err := p.runner(&f)
			if err != nil {
				return err
			}
			b.DryRun = b.DryRun || dryRun
			if sandbox && b.Engine == plan.InProcess {
				r.Flags = append(r.Flags, "--require-sandbox")
			}
			r.Work = work
			o := outcome.Outcome{Version: outcome.Version, Build: b}
			if before, err := outcome.Read(f.result); err == nil && before.State == outcome.Begun {
				o.State, o.Seconds = before.State, before.Seconds
			}
			if until != "" {
				return p.leave(r.Steps(c.Context, o, until), f.result)
			}
			return p.leave(r.Build(c.Context, o, f.layout), f.result)
		},
	}
}

// leave writes a result, and fails as the build did.
func (p *Program) leave(o outcome.Outcome, file string) error {
	if err := o.Write(file); err != nil {
		return err
	}
	if o.Failure != nil {
		f := &failure.Failure{Class: failure.Class(o.Failure.Class), App: o.Build.Name + " " + o.Build.Version, Err: errors.New(o.Failure.Error), Advice: o.Failure.Todo}
		return f
	}
	return p.Result(o.Reference(), o)
}

func chatopsPushCommand(p *Program) *cli.Command {
	var f jobFlags
	return &cli.Command{
		Name:      "push",
		Usage:     "push what chatops build left, and complete the result; a dry run has nothing to push",
		UsageText: "printf '%s' \"$TOKEN\" | cluster-image chatops push --layout image --result result.json",
		Description: "The variable BUILD says what was to be built, and REGISTRY_USERNAME as whom to log in: the password is the first line of standard " +
			"input then. Without a name the docker configuration counts.",
		Flags:  f.flags(),
		Action: func(c *cli.Context) error { return p.pushBuilt(c.Context, &f) },
	}
}

// pushBuilt pushes what the file of a result says was built. Where to push is what the plan said: the result was written beside a recipe's code.
func (p *Program) pushBuilt(ctx context.Context, f *jobFlags) error {
	b, err := plan.ReadBuild(os.Getenv(buildVariable))
	if err != nil {
		return usage("%s: %v", buildVariable, err)
	}
	o, err := outcome.Read(f.result)
	if err != nil {
		return usage("%v", err)
	}
	o.Build = b
	switch {
	case o.State == outcome.Planned || b.DryRun:
		return p.leave(o, f.result)
	case o.State != outcome.Built:
		return usage("%s says %s: there is nothing to push", f.result, o.State)
	}
	r, err := p.runner(f)
	if err != nil {
		return err
	}
	login, err := p.login()
	if err != nil { // whoever asked is told of it too
		o.State, o.Failure = outcome.Failed, &outcome.Failure{Step: "push", Error: err.Error()}
		return p.leave(o, f.result)
	}
	if b.Kind.HoldsImages() {
		if o.Changes, err = r.Changes(ctx, o, f.layout, login); err != nil {
			p.Reporter().Warn("the image can't be compared with the one before: %v", err)
		}
	}
	return p.leave(r.Push(ctx, o, f.layout, login), f.result)
}

// login is that of the environment, with the password from standard input.
func (p *Program) login() (outcome.Login, error) {
	l := outcome.Login{Username: os.Getenv("REGISTRY_USERNAME")}
	if l.Username == "" {
		return l, nil
	}
	var err error
	if l.Password, err = readPassword(p.Stdin); err != nil {
		return l, fmt.Errorf("log in as REGISTRY_USERNAME: %w", err)
	}
	p.Secrets.Add(l.Password)
	return l, nil
}
