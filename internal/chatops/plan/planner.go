package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
)

// day is the time that limits count in.
const day = 24 * time.Hour

// GitHub is what a decision asks. It is not asked for more than it needs.
type GitHub interface {
	policy.Directory
	Comments(ctx context.Context, issue int) ([]github.Comment, error)
	Comment(ctx context.Context, id int64) (github.Comment, error)
	Since(ctx context.Context, at time.Time) ([]github.Comment, error)
}

// Planner decides.
type Planner struct {
	Policy policy.Policy
	// GitHub is nil where nobody is asked: then permissions are none, nothing was handled before, and no limit is reached.
	GitHub GitHub
	// Root is the checkout of the default branch, whose recipes count.
	Root string
	// Registry takes the place of the policy's; empty leaves it.
	Registry string
	Now      func() time.Time
	// Run, Attempt and RunURL are those of the workflow.
	Run     int64
	Attempt int
	RunURL  string
}

// Plan decides about an event.
func (p *Planner) Plan(ctx context.Context, e github.Event) (Plan, error) {
	a := &asked{Planner: p, plan: Plan{Version: Version, Offline: p.GitHub == nil, Source: Source{
		Event: e.Name, Repository: e.Repository.FullName, Run: p.Run, Attempt: p.Attempt, RunURL: p.RunURL,
	}}}
	if why := a.route(e); why != "" {
		return a.ignore(why), nil
	}
	if err := a.decide(ctx, e); err != nil {
		return Plan{}, err
	}
	return a.plan, nil
}

// asked is one event while it is decided.
type asked struct {
	*Planner
	plan Plan
	// body and title are the text that is read. user is who wrote it, by who caused the event.
	body, title string
	user, by    github.User
	// labelled says that the event is a label that accepts.
	labelled bool
	records  record.Records
}

func (a *asked) ignore(why string) Plan {
	a.plan.Action, a.plan.Why = DoIgnore, why
	return a.plan
}

func (a *asked) refuse(r Refusal) {
	a.plan.Action, a.plan.Refusal = DoAnswer, &r
}

func (a *asked) decide(ctx context.Context, e github.Event) error {
	if err := a.remember(ctx); err != nil {
		return err
	}
	elsewhere := place(e)
	if a.labelled && elsewhere == nil {
		if stop, err := a.accept(ctx); stop || err != nil {
			return err
		}
	}
	c, ok := a.understand()
	switch {
	case !ok:
		return a.boundAnswers(ctx)
	case a.handled():
		return nil
	case elsewhere != nil:
		a.refuse(*elsewhere)
		return a.boundAnswers(ctx)
	}
	return a.judge(ctx, c, e)
}

// remember reads what was answered on the issue.
func (a *asked) remember(ctx context.Context) error {
	if a.GitHub == nil || a.plan.Source.Issue == 0 {
		return nil
	}
	comments, err := a.GitHub.Comments(ctx, a.plan.Source.Issue)
	a.records = record.All(comments, a.Policy.Bot)
	return err
}

// understand reads the command. Where there is none the plan says what becomes of it.
func (a *asked) understand() (grammar.Command, bool) {
	c, err := grammar.Parse(a.body)
	if err == nil {
		a.plan.Command, a.plan.Text, a.plan.Hash = &c, c.String(), c.Hash()
		err = grammar.CheckTitle(a.title, c)
	}
	var m *grammar.Miss
	switch {
	case errors.As(err, &m):
		a.refuse(Refusal{Reason: BadCommand, Understood: m.Understood, Problem: m.Problem, Usage: m.Usage, Suggestion: m.Suggestion})
		return c, false
	case err != nil:
		a.ignore("there is no command in it")
		return c, false
	}
	return c, true
}

// handled looks whether the same request has been answered. A maintainer's new attempt of the same run, and a label on what waits, go on.
func (a *asked) handled() bool {
	r, ok := a.records.Key(a.plan.Source.Key)
	switch {
	case !ok || a.labelled && !r.State.Open() && r.State != record.Done:
		return false
	case r.Run == a.Run && a.Attempt > r.Attempt:
		return false
	}
	a.ignore(fmt.Sprintf("it is answered already: %s, by run %d", r.State, r.Run))
	return true
}

// place says why a command is not taken where it stands.
func place(e github.Event) *Refusal {
	switch {
	case e.Issue == nil:
		return nil
	case e.Issue.PullRequest != nil:
		return &Refusal{Reason: BadPlace, Problem: "this is a pull request, and commands are read in issues; what a pull request changes is built by itself, without a push"}
	case e.Issue.State == "closed":
		return &Refusal{Reason: BadPlace, Problem: "this issue is closed; open another one"}
	}
	return nil
}

// judge decides about a command that is understood and new.
func (a *asked) judge(ctx context.Context, c grammar.Command, e github.Event) error {
	a.plan.Accepted = a.plan.Accepted || e.Issue != nil && e.Issue.Has(a.Policy.Label.Name) && a.records.Accepted(a.plan.Hash)
	if c.Kind == grammar.Help {
		a.plan.Action = DoAnswer
		return a.boundAnswers(ctx)
	}
	d, err := a.Policy.Decide(ctx, a.directory(), policy.Request{
		Command: c, By: policy.User{ID: a.user.ID, Login: a.user.Login}, Accepted: a.plan.Accepted,
	})
	switch {
	case err != nil:
		return err
	case !d.Allowed:
		a.refuse(a.notAllowed(c, d))
		return a.boundAnswers(ctx)
	case c.Kind == grammar.Cancel:
		a.cancel()
		return nil
	}
	builds, refusal := a.builds(c)
	if refusal == nil {
		refusal = a.recipes(c, builds, false)
	}
	if refusal == nil {
		refusal, err = a.limit(ctx, c, builds, d)
	}
	if err != nil {
		return err
	}
	a.plan.Builds = builds
	if refusal != nil {
		a.refuse(*refusal)
		return a.boundAnswers(ctx)
	}
	a.plan.Action, a.plan.Waves = DoBuild, waves(builds)
	return nil
}

// notAllowed says who may. That a label would help is said only where it would.
func (a *asked) notAllowed(c grammar.Command, d policy.Decision) Refusal {
	r := Refusal{Reason: NotAllowed, Understood: c.String(), Problem: d.Reason, Acceptable: d.Acceptable && a.plan.Source.Issue != 0}
	if c.Kind == grammar.Cancel {
		return r
	}
	builds, missing := a.builds(c)
	a.plan.Builds = builds
	if missing != nil {
		r.Problem += "; besides, " + missing.Problem
		r.Acceptable = false
	} else if missing := a.recipes(c, builds, false); missing != nil {
		return *missing
	}
	return r
}

// directory is GitHub, or nobody.
func (p *Planner) directory() policy.Directory {
	if p.GitHub == nil {
		return nobody{}
	}
	return p.GitHub
}

// nobody has no permission and is in no team.
type nobody struct{}

// Permission is none.
func (nobody) Permission(context.Context, policy.User) (string, error) { return "none", nil }

// Member is false.
func (nobody) Member(context.Context, string, string, policy.User) (bool, error) { return false, nil }

// cancel ends the runs of this issue that are under way, but for this one.
func (a *asked) cancel() {
	for _, r := range a.records {
		if r.State.Open() && r.Run != 0 && r.Run != a.Run && !slices.Contains(a.plan.Cancel, r.Run) {
			a.plan.Cancel = append(a.plan.Cancel, r.Run)
		}
	}
	a.plan.Action = DoCancel
}
