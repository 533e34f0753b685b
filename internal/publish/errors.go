package publish

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/failure"
)

var (
	// ErrExists means that a fixed tag names another digest.
	ErrExists = errors.New("the tag exists")
	// ErrMoved means that somebody else set the tag between the check and the push.
	ErrMoved = errors.New("the tag was set by somebody else")
	// ErrReadBack means that the registry does not give back what was pushed.
	ErrReadBack = errors.New("the registry gives back something else")
)

// Failure is a target that was not reached.
type Failure struct {
	Target Target
	Err    error
}

// Error names every target that failed and why.
type Error struct {
	Failures []Failure
	// Of is how many targets there are in all.
	Of int
}

func (e *Error) Error() string {
	var lines []string
	for _, f := range e.Failures {
		lines = append(lines, fmt.Sprintf("push to %s: %s", f.Target.Ref, f.Err))
	}
	if len(lines) == 1 && e.Of <= 1 {
		return lines[0]
	}
	return fmt.Sprintf("%d of %d targets failed:\n%s", len(e.Failures), e.Of, strings.Join(lines, "\n"))
}

// Unwrap gives the reasons, so that [errors.Is] finds each.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, f := range e.Failures {
		errs = append(errs, f.Err)
	}
	return errs
}

// Refuse is the [Error] for fixed tags that are left alone, each for its reason, in words that follow the image that it names. Of is how many targets
// there are in all.
func Refuse(reasons map[Standing]string, of int) error {
	e := &Error{Of: of}
	for s, why := range reasons {
		e.Failures = append(e.Failures, Failure{s.Target, refuse(s, why)})
	}
	slices.SortFunc(e.Failures, func(a, b Failure) int { return strings.Compare(a.Target.Ref.String(), b.Target.Ref.String()) })
	return e
}

// refuse says why a tag that names something else is left alone.
func refuse(s Standing, why string) error {
	return failure.New(failure.Registry, "%w: %s is %s, %s", ErrExists, s.Ref, s.Present, why).
		Advise("push under another version, or replace the tag with --force")
}

// moved says that the tag does not name what it named at the start.
func moved(s Standing, now v1.Hash) error {
	was, is := s.Present.String(), now.String()
	if !s.exists() {
		was = "nothing"
	}
	if (now == v1.Hash{}) {
		is = "nothing"
	}
	return failure.New(failure.Registry, "%w while this run was under way: %s named %s and names %s now", ErrMoved, s.Ref, was, is).
		Advise("run again to build on it, or replace it with --force")
}
