package discover

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is something in the context that cannot be read, or that makes the result incomplete for sure.
type Problem struct {
	// File is relative to the context, Line counts from 1; either may be unknown.
	File string
	Line int
	Err  error
}

// Error is file:line: what is wrong and what to do.
func (p *Problem) Error() string {
	switch {
	case p.File == "":
		return p.Err.Error()
	case p.Line == 0:
		return fmt.Sprintf("%s: %v", p.File, p.Err)
	}
	return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err)
}

// Unwrap is the cause.
func (p *Problem) Unwrap() error { return p.Err }

// join makes one error of all problems, in the order of their files.
func join(problems []error) error {
	place := func(err error) (string, int) {
		var p *Problem
		if errors.As(err, &p) {
			return p.File, p.Line
		}
		return "", 0
	}
	slices.SortStableFunc(problems, func(a, b error) int {
		af, al := place(a)
		bf, bl := place(b)
		return cmp.Or(strings.Compare(af, bf), cmp.Compare(al, bl), strings.Compare(a.Error(), b.Error()))
	})
	return errors.Join(problems...)
}
