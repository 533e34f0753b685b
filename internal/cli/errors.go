package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// badFlag makes a usage error of what the library says about the value of a flag.
func badFlag(_ *cli.Context, err error, _ bool) error {
	s := strings.Replace(err.Error(), " for flag -", " for flag --", 1)
	return &failure.Failure{Class: failure.Usage, Err: errors.New(s)}
}

// required makes a usage error of what the library says about flags that are missing; it has no type for it.
func required(err error) error {
	if err == nil || !strings.HasPrefix(err.Error(), "Required flag") {
		return err
	}
	_, names, _ := strings.Cut(err.Error(), "\"")
	names, _, _ = strings.Cut(names, "\"")
	return usage("--%s is missing", strings.ReplaceAll(names, ", ", " and --")).Advise("see the example in --help")
}

// fail writes an error to standard error and gives the exit code.
func (p *Program) fail(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	f := describe(ctx, err)
	if p.mode == progress.JSON {
		p.failJSON(f)
		return f.Class.ExitCode()
	}
	lines := strings.Split(f.Error(), "\n")
	s := name + ": " + strings.Join(lines, "\n  ")
	if f.Advice != "" {
		s += "\n  to do: " + f.Advice
	}
	_, _ = fmt.Fprintln(p.Stderr, p.Secrets.Clean(s))
	return f.Class.ExitCode()
}

// failJSON writes the error as the last of the JSON lines.
func (p *Program) failJSON(f *failure.Failure) {
	line := struct {
		Time  time.Time     `json:"time"`
		Event string        `json:"event"`
		Class failure.Class `json:"class"`
		Error string        `json:"error"`
		To    string        `json:"to_do,omitempty"`
	}{time.Now().UTC(), "error", f.Class, p.Secrets.Clean(f.Error()), p.Secrets.Clean(f.Advice)}
	e := json.NewEncoder(p.Stderr)
	e.SetEscapeHTML(false)
	_ = e.Encode(line)
}

// describe gathers what is known about an error and gives it a class.
func describe(ctx context.Context, err error) *failure.Failure {
	f := failure.Describe(err)
	if f == nil {
		f = &failure.Failure{Err: err}
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return &failure.Failure{Class: failure.Interrupted, Err: errors.New("interrupted"), Advice: "run the same command again: what was fetched is kept"}
	}
	if f.Class == "" {
		f.Class = classify(err)
	}
	return f
}

// classify finds the class of an error that no layer has classified.
func classify(err error) failure.Class {
	var pushing *publish.Error
	var asking *registry.Error
	switch {
	case errors.As(err, &pushing), errors.As(err, &asking):
		return failure.Registry
	case errors.Is(err, registry.ErrCertificates):
		return failure.Usage
	default:
		return failure.Internal
	}
}
