package kubefile

import (
	"errors"
	"fmt"
)

// ErrEngine says that a build file is sound, but only a container engine can build it.
var ErrEngine = errors.New("needs a container engine")

// engineHint is what to do about ErrEngine.
const engineHint = "nothing is run in process; build it with the Dagger module: --engine dagger, or dagger call build"

// Error is a line of a build file that cannot be taken.
type Error struct {
	File    string
	Line    int
	Problem string
	// Err is ErrEngine or nil.
	Err error
}

// Error is file:line: problem, followed by what to do.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
	if errors.Is(e.Err, ErrEngine) {
		s += ": " + engineHint
	}
	return s
}

// Unwrap gives the reason, if there is one to decide by.
func (e *Error) Unwrap() error { return e.Err }

func (f *file) problem(line int, format string, args ...any) error {
	return &Error{File: f.name, Line: line, Problem: fmt.Sprintf(format, args...)}
}

func (f *file) engine(line int, format string, args ...any) error {
	return &Error{File: f.name, Line: line, Problem: fmt.Sprintf(format, args...), Err: ErrEngine}
}

func (f *file) warn(line int, format string, args ...any) {
	f.warnings = append(f.warnings, Warning{File: f.name, Line: line, Text: fmt.Sprintf(format, args...)})
}
