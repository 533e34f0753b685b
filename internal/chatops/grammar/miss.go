package grammar

import (
	"errors"
	"fmt"
)

// ErrNone says that a text is no command and is not meant as one.
var ErrNone = errors.New("no command")

// Miss is a text that is meant as a command and is none.
type Miss struct {
	// Understood is the line as it was read, bounded, with what is invisible or not ASCII written as an escape.
	Understood string
	// Problem says what is wrong, as a sentence without a full stop.
	Problem string
	// Usage is the form of the command that seems to be meant; empty when that can't be told.
	Usage string
	// Suggestion is a command that may be meant; empty when none follows from the text. It is shown, never run.
	Suggestion string
}

// Error says what is wrong.
func (m *Miss) Error() string {
	s := m.Problem
	if m.Usage != "" {
		s += "; the form is: " + m.Usage
	}
	if m.Suggestion != "" {
		s += "; did you mean: " + m.Suggestion
	}
	return s
}

// miss is a problem with a line that is read as a form.
func (f form) miss(problem string, args ...any) *Miss {
	return &Miss{Problem: fmt.Sprintf(problem, args...), Usage: f.usage()}
}

// suggest sets what may be meant, if that is a command.
func (m *Miss) suggest(line string) *Miss {
	if c, err := parseLine(line); err == nil {
		m.Suggestion = c.String()
	}
	return m
}
