package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/registry"
)

func TestAnInterruptedRunSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	env := sampleEnv()
	env.Stderr = &stderr
	code := Run(ctx, []string{"sample", "cancelled", "1", "--progress", "quiet"}, env)
	if want := "cluster-image: interrupted\n  to do: run the same command again: what was fetched is kept\n"; code != 130 || stderr.String() != want {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for want, err := range map[failure.Class]error{
		failure.Usage:    usage("x"),
		failure.Registry: fmt.Errorf("build: %w", &registry.Error{Host: "quay.io", Err: registry.ErrDenied}),
		failure.Internal: errors.New("x"),
		failure.Source:   &failure.Failure{App: "nginx 1", Err: &failure.Failure{Class: failure.Source, Err: errors.New("x")}},
	} {
		if got := describe(t.Context(), err).Class; got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	if got := describe(t.Context(), &publish.Error{}).Class; got != failure.Registry {
		t.Errorf("a failed push is %s", got)
	}
}

func TestAllLinesOfAnErrorBelongToIt(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	p := program()
	p.Stderr = &stderr
	p.fail(t.Context(), errors.Join(errors.New("one"), errors.New("two")))
	if want := "cluster-image: one\n  two\n"; stderr.String() != want || strings.Count(stderr.String(), "\n") != 2 {
		t.Errorf("got %q", stderr.String())
	}
}
