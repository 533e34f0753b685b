// Package failure is the error that says all a user needs: for which application and platform, in which step, what was asked, of whom, after how
// many tries, and what to do about it. Each layer adds what it knows, and the command line writes it the one way.
package failure

import (
	"errors"
	"fmt"
	"strings"
)

// Class is the kind of a failure, by which a program that calls this one decides.
type Class string

// The classes. Interrupted is a run that was asked to stop.
const (
	Usage       Class = "usage"
	Recipe      Class = "recipe"
	Source      Class = "source"
	Registry    Class = "registry"
	Internal    Class = "internal"
	Interrupted Class = "interrupted"
)

// ExitCode is the status the program ends with. A class that is not known counts as internal.
func (c Class) ExitCode() int {
	switch c {
	case Usage:
		return 2
	case Recipe:
		return 3
	case Source:
		return 4
	case Registry:
		return 5
	case Interrupted:
		return 130
	default:
		return 1
	}
}

// Failure is an error with its circumstances. Fields that are empty are not known here; one further in or out may know them.
type Failure struct {
	Class Class
	// App is the application and version: nginx 1.23.1.
	App string
	// Platform is as in linux/arm64.
	Platform string
	// Step is download, discover, resolve, fetch, assemble, push or verify.
	Step string
	// Asked is what was asked for: an image, a chart, an address.
	Asked string
	// Of is who was asked: the host of a registry or server.
	Of string
	// Tries is how many times.
	Tries int
	// Advice is what to do, as a sentence without a full stop.
	Advice string
	// Err is what went wrong.
	Err error
}

// Error writes where and what in one line; the advice is left to [Describe].
func (f *Failure) Error() string { return f.line() }

// Unwrap gives what went wrong.
func (f *Failure) Unwrap() error { return f.Err }

// line is where: what: cause (asked of whom, tries). What the cause says by itself is not said again.
func (f *Failure) line() string {
	cause := text(f.Err)
	unsaid := func(word, as string) string {
		if word == "" || strings.Contains(cause, as) {
			return ""
		}
		return word
	}
	step := unsaid(f.Step, f.Step+": ")
	if strings.HasPrefix(cause, f.Step+" ") { // resolve images, write layout
		step = ""
	}
	line := join(": ", join(", ", unsaid(f.App, f.App), unsaid(f.Platform, f.Platform)), step, unsaid(f.Asked, f.Asked), cause)
	var of, tries string
	if f.Of != "" && !strings.Contains(line, f.Of) {
		of = "asked of " + f.Of
	}
	if f.Tries > 1 {
		count := fmt.Sprintf("%d tries", f.Tries)
		tries = unsaid(count, count)
	}
	if more := join(", ", of, tries); more != "" {
		line += " (" + more + ")"
	}
	return line
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func join(sep string, words ...string) string { return strings.Join(nonEmpty(words...), sep) }

func nonEmpty(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// Describe gathers what the failures of an error's chain know into one: the outermost word counts for each field, the cause is the whole of what the
// outermost failure wraps. Where several errors are joined the chain ends, since they fail for different reasons. Describe is nil for an error
// without a failure in its chain.
func Describe(err error) *Failure {
	var whole *Failure
	for err != nil {
		f, ok := err.(*Failure)
		if !ok {
			err = only(err)
			continue
		}
		if whole == nil {
			whole = &Failure{Err: f.Err}
		}
		whole.adopt(f)
		err = f.Err
	}
	return whole
}

// only is what an error wraps, if that is one error: one that was joined with the nil of a Close is the same failure still.
func only(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if errs := joined.Unwrap(); len(errs) == 1 {
			return errs[0]
		}
	}
	return errors.Unwrap(err)
}

// adopt fills the fields that are still empty.
func (f *Failure) adopt(inner *Failure) {
	for _, field := range []struct{ mine, theirs *string }{
		{&f.App, &inner.App}, {&f.Platform, &inner.Platform}, {&f.Step, &inner.Step},
		{&f.Asked, &inner.Asked}, {&f.Of, &inner.Of}, {&f.Advice, &inner.Advice}, {(*string)(&f.Class), (*string)(&inner.Class)},
	} {
		if *field.mine == "" {
			*field.mine = *field.theirs
		}
	}
	if f.Tries == 0 {
		f.Tries = inner.Tries
	}
}

// New makes a failure of a class.
func New(class Class, format string, args ...any) *Failure {
	return &Failure{Class: class, Err: fmt.Errorf(format, args...)}
}

// Advise sets the advice and gives the failure back.
func (f *Failure) Advise(format string, args ...any) *Failure {
	f.Advice = fmt.Sprintf(format, args...)
	return f
}
