package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
)

// User is an account.
type User struct {
	ID    int64
	Login string
}

// Directory knows what accounts are. It is asked when it matters, not before.
type Directory interface {
	// Permission is none, read, write or admin.
	Permission(ctx context.Context, u User) (string, error)
	// Member says whether an account is in a team.
	Member(ctx context.Context, org, team string, u User) (bool, error)
}

// Request is what somebody asks for.
type Request struct {
	Command grammar.Command
	By      User
	// Accepted says that a maintainer accepted this very request.
	Accepted bool
}

// Decision is the answer.
type Decision struct {
	Allowed bool
	// Reason says why not, as a sentence without a full stop.
	Reason string
	// Acceptable says that the label would make the difference.
	Acceptable bool
	// Unlimited says that no limit per day applies: the user has write permission, or a maintainer accepted the request.
	Unlimited bool
}

// Needs are the powers that a command takes. Help takes none.
func Needs(c grammar.Command) []string {
	var out []string
	if c.Kind != grammar.Help {
		out = append(out, string(c.Kind))
	}
	for power, used := range map[string]bool{Force: c.Force, Platform: len(c.Platforms) > 0, DryRun: c.DryRun} {
		if used {
			out = append(out, power)
		}
	}
	slices.Sort(out)
	return out
}

// Decide asks for every power that the request takes. A power that the policy does not mention nobody has.
func (p Policy) Decide(ctx context.Context, d Directory, r Request) (Decision, error) {
	q := &question{policy: p, directory: d, request: r}
	for _, power := range Needs(r.Command) {
		ok, err := q.any(ctx, p.Allow[power])
		if err != nil {
			return Decision{}, err
		}
		if !ok {
			return Decision{Reason: p.reason(power), Acceptable: q.acceptable()}, nil
		}
	}
	unlimited, err := q.unlimited(ctx)
	return Decision{Allowed: true, Unlimited: unlimited}, err
}

// question is one request while it is decided. What GitHub says is asked once.
type question struct {
	policy     Policy
	directory  Directory
	request    Request
	permission level
	asked      bool
}

// acceptable says whether every power can be had by the label.
func (q *question) acceptable() bool {
	for _, power := range Needs(q.request.Command) {
		whos := q.policy.Allow[power]
		if !slices.Contains(whos, Accepted) && !slices.Contains(whos, Anyone) {
			return false
		}
	}
	return true
}

func (q *question) unlimited(ctx context.Context) (bool, error) {
	if q.request.Accepted || q.request.Command.Kind == grammar.Help {
		return true, nil
	}
	return q.is(ctx, Write)
}

// any says whether the request comes from one of them. What needs no question is looked at first.
func (q *question) any(ctx context.Context, whos []Who) (bool, error) {
	for _, simple := range []bool{true, false} {
		for _, w := range whos {
			if w.simple() != simple {
				continue
			}
			if ok, err := q.is(ctx, w); ok || err != nil {
				return ok, err
			}
		}
	}
	return false, nil
}

// simple says that GitHub need not be asked.
func (w Who) simple() bool {
	_, isID := w.id()
	return isID || w == Anyone || w == Accepted
}

func (q *question) is(ctx context.Context, w Who) (bool, error) {
	id, isID := w.id()
	org, slug, isTeam := w.team()
	switch {
	case w == Anyone:
		return true, nil
	case w == Accepted:
		return q.request.Accepted, nil
	case w == Owners:
		return q.any(ctx, q.policy.Owners[q.request.Command.Name])
	case isID:
		return id == q.request.By.ID, nil
	case isTeam:
		return q.directory.Member(ctx, org, slug, q.request.By)
	}
	have, err := q.level(ctx)
	return w.level() > none && have >= w.level(), err
}

func (q *question) level(ctx context.Context) (level, error) {
	if q.asked {
		return q.permission, nil
	}
	s, err := q.directory.Permission(ctx, q.request.By)
	if err != nil {
		return none, err
	}
	q.asked, q.permission = true, Who(s).level()
	return q.permission, nil
}

// reason says who has a power.
func (p Policy) reason(power string) string {
	what := map[string]string{
		Force: "to replace a tag (--force)", Platform: "to build for one platform alone (--platform)", DryRun: "a dry run", Cancel: "to cancel builds",
	}[power]
	if what == "" {
		what = "a build of the kind " + power
	}
	if len(p.Allow[power]) == 0 {
		return "the policy of this repository allows nobody " + what
	}
	var words []string
	for _, w := range p.Allow[power] {
		words = append(words, w.String())
	}
	return fmt.Sprintf("%s needs %s", what, strings.Join(words, ", or "))
}

// MayAccept says whether the label counts that an account put on.
func (p Policy) MayAccept(ctx context.Context, d Directory, u User) (bool, error) {
	q := &question{policy: p, directory: d, request: Request{By: u}}
	return q.is(ctx, p.Label.Permission)
}
