package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
)

// accept handles the label. It accepts one text: that of the issue or, where that asks for nothing or has its answer, of the one comment that waits. What
// it accepted is in the record; nothing else is covered.
func (a *asked) accept(ctx context.Context) (stop bool, err error) {
	may, err := a.Policy.MayAccept(ctx, a.directory(), policy.User{ID: a.by.ID, Login: a.by.Login})
	if err != nil {
		return true, err
	}
	if !may {
		a.ignore(fmt.Sprintf("whoever put on the label %s has not the permission %s", a.Policy.Label.Name, a.Policy.Label.Permission))
		return true, nil
	}
	a.plan.Accepted = true
	if a.acceptBody() {
		return a.plan.Action != "", nil
	}
	return true, a.acceptComment(ctx)
}

// acceptBody says whether the label is about the text of the issue.
func (a *asked) acceptBody() bool {
	c, err := grammar.Parse(a.body)
	if errors.Is(err, grammar.ErrNone) {
		return false
	}
	r, known := a.records.Key(a.plan.Source.Key)
	if known && r.State != record.Waiting && len(a.records.Waiting()) > 0 {
		return false
	}
	if err != nil || !known || r.Hash == c.Hash() {
		return !(known && err == nil && (r.State.Open() || r.State == record.Done))
	}
	// What the maintainer may have read is not what stands there now.
	a.plan.Command, a.plan.Text, a.plan.Hash, a.plan.Accepted = &c, c.String(), c.Hash(), false
	a.refuse(Refusal{
		Reason: Edited, Understood: c.String(), Acceptable: true,
		Problem: "the text of this issue was changed after it was answered; the label accepts only what was shown",
	})
	return true
}

// acceptComment looks for the comment that waits.
func (a *asked) acceptComment(ctx context.Context) error {
	waiting := a.records.Waiting()
	switch {
	case len(waiting) == 0:
		a.ignore("nothing waits for the label")
		return nil
	case slices.ContainsFunc(waiting, func(r record.Record) bool { return r.Hash != waiting[0].Hash }):
		a.plan.Accepted = false
		a.refuse(Refusal{
			Reason:  NotAllowed,
			Problem: fmt.Sprintf("%d requests of this issue wait, and the label can't say which it accepts; a maintainer can write the command", len(waiting)),
		})
		return nil
	}
	r := waiting[len(waiting)-1]
	id, _ := strconv.ParseInt(strings.TrimPrefix(r.Key, "comment-"), 10, 64) // digits by the expression of records
	m, err := a.GitHub.Comment(ctx, id)
	if errors.Is(err, github.ErrNotFound) {
		a.ignore("the comment that waited is gone")
		return nil
	}
	if err != nil {
		return err
	}
	a.body, a.user = m.Body, m.User
	s := &a.plan.Source
	s.Key, s.User, s.Login = r.Key, m.User.ID, m.User.Login
	return a.takeComment(ctx, r)
}

// takeComment goes on with a comment that waited, if it says what it said.
func (a *asked) takeComment(ctx context.Context, r record.Record) error {
	c, ok := a.understand()
	if !ok || c.Hash() != r.Hash || a.user.ID != r.User {
		a.plan.Accepted, a.plan.Hash = false, ""
		a.refuse(Refusal{Reason: Edited, Problem: "the comment was changed after it was answered; write the command in a new comment"})
		return nil
	}
	return a.judge(ctx, c, github.Event{})
}
