// Package chatops is the conversation about a request: it answers with one comment, which it edits while builds go on, and sets labels to match.
package chatops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
	"github.com/labring-actions/cluster-image/internal/chatops/reply"
)

// labels has the label of each state. A state without one leaves the labels as they are.
var labels = map[record.State]string{
	record.Waiting: "build: waiting", record.Accepted: "build: queued", record.Running: "build: running",
	record.Done: "build: done", record.Failed: "build: failed", record.Cancelled: "build: cancelled",
}

// Conversation is that about one plan.
type Conversation struct {
	GitHub *github.Client
	Policy policy.Policy
	Plan   plan.Plan
	Clock  github.Clock
	// Tell is told what went wrong and stops nothing; nil is silent.
	Tell func(format string, args ...any)
}

// Open answers for the first time. It says whether the builds may begin: not when another run handles the same request.
func (c Conversation) Open(ctx context.Context) (proceed bool, err error) {
	if c.Plan.Action == plan.DoIgnore {
		return false, nil
	}
	build := c.Plan.Action == plan.DoBuild
	if c.Plan.Source.Issue == 0 {
		return build, nil
	}
	l := c.letter(c.firstState())
	mine, known, err := c.reply(ctx)
	if err != nil {
		return false, err
	}
	if known {
		err = c.GitHub.EditComment(ctx, mine.Reply, l.String())
	} else if mine, err = c.claim(ctx, l); errors.Is(err, errTaken) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.label(ctx, l.State)
	return build, nil
}

// First is the first answer, for whoever asked where there is no issue.
func (c Conversation) First() string { return c.letter(c.firstState()).String() }

// firstState is what a plan begins with.
func (c Conversation) firstState() record.State {
	switch r := c.Plan.Refusal; {
	case r != nil && r.Acceptable:
		return record.Waiting
	case r != nil:
		return record.Refused
	case c.Plan.Action == plan.DoBuild:
		return record.Accepted
	}
	return record.Answered
}

func (c Conversation) letter(s record.State) reply.Letter {
	return reply.Letter{Plan: c.Plan, State: s, Label: c.Policy.Label.Name}
}

// reply is the record of this request, if there is one.
func (c Conversation) reply(ctx context.Context) (record.Record, bool, error) {
	comments, err := c.GitHub.Comments(ctx, c.Plan.Source.Issue)
	if err != nil {
		return record.Record{}, false, err
	}
	r, ok := record.All(comments, c.Policy.Bot).Key(c.Plan.Source.Key)
	return r, ok, nil
}

// errTaken says that another run answered the same request a moment earlier.
var errTaken = errors.New("another run handles this request")

// claim comments. Of two runs that comment at once, the later one takes its comment back.
func (c Conversation) claim(ctx context.Context, l reply.Letter) (record.Record, error) {
	m, err := c.GitHub.CreateComment(ctx, c.Plan.Source.Issue, l.String(), func(m github.Comment) bool {
		r, ok := record.Of(m, c.Policy.Bot)
		return ok && r.Key == c.Plan.Source.Key && r.Run == c.Plan.Source.Run
	})
	if err != nil {
		return record.Record{}, err
	}
	first, known, err := c.reply(ctx)
	switch {
	case err != nil:
		return record.Record{}, err
	case known && first.Reply != m.ID:
		return record.Record{}, errors.Join(errTaken, c.GitHub.DeleteComment(ctx, m.ID))
	}
	return record.Record{Reply: m.ID}, nil
}

// label has the labels follow the state. They are for people: that one can't be set does not keep an image from being built.
func (c Conversation) label(ctx context.Context, s record.State) {
	if err := c.setLabel(ctx, s); err != nil && c.Tell != nil {
		c.Tell("the labels of the issue are not those of the state %s: %v", s, err)
	}
}

// setLabel puts the label of a state on the issue, and takes those of others off.
func (c Conversation) setLabel(ctx context.Context, s record.State) error {
	want, ok := labels[s]
	if !ok {
		return nil
	}
	now, err := c.GitHub.Issue(ctx, c.Plan.Source.Issue)
	if err != nil {
		return err
	}
	for _, other := range labels {
		if other != want && now.Has(other) {
			if err := c.GitHub.RemoveLabel(ctx, now.Number, other); err != nil {
				return err
			}
		}
	}
	if now.Has(want) {
		return nil
	}
	return c.GitHub.AddLabels(ctx, now.Number, want)
}

// Say edits the answer to what it is now.
func (c Conversation) Say(ctx context.Context, l reply.Letter) error {
	if c.Plan.Source.Issue == 0 {
		return nil
	}
	r, known, err := c.reply(ctx)
	switch {
	case err != nil:
		return err
	case !known:
		if _, err := c.claim(ctx, l); err != nil && !errors.Is(err, errTaken) {
			return err
		}
	case r.Run != c.Plan.Source.Run:
		return fmt.Errorf("the answer is that of run %d by now", r.Run)
	default:
		if err := c.GitHub.EditComment(ctx, r.Reply, l.String()); err != nil {
			return err
		}
	}
	c.label(ctx, l.State)
	return nil
}

// Close answers for the last time: with what became of every build. It gives the state.
func (c Conversation) Close(ctx context.Context, outcomes []outcome.Outcome, cancelled bool) (record.State, error) {
	state := record.Done
	if slices.ContainsFunc(outcomes, func(o outcome.Outcome) bool { return !o.Succeeded() }) {
		state = record.Failed
	}
	if cancelled && state == record.Failed {
		state = record.Cancelled
	}
	l := c.letter(state)
	l.Outcomes = outcomes
	return state, c.Say(ctx, l)
}

const (
	// pace is how far apart the looks at the jobs are, and maxWatch how long it is looked.
	pace     = 20 * time.Second
	maxWatch = 5 * time.Hour
	// maxIdle is how many looks in a row may find no job at work: then the jobs that are missing will not come.
	maxIdle = 4
)

// Watch keeps the answer up to date while builds run, until all of them are over. It reads the jobs of the run.
func (c Conversation) Watch(ctx context.Context) error {
	said, idle, end := "", 0, c.Clock.Now().Add(maxWatch)
	for c.Clock.Now().Before(end) {
		jobs, err := c.GitHub.Jobs(ctx, c.Plan.Source.Run)
		if err != nil {
			return err
		}
		under, over := underway(c.Plan.Builds, jobs)
		l := c.letter(record.Running)
		l.Under = under
		if text := l.String(); text != said && len(under) > 0 {
			if err := c.Say(ctx, l); err != nil {
				return err
			}
			said = text
		}
		if idle++; !quiet(jobs) {
			idle = 0
		}
		if over || idle == maxIdle {
			return nil
		}
		if err := c.Clock.Sleep(ctx, pace); err != nil {
			return err
		}
	}
	return nil
}
