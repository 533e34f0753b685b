package failure_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/labring-actions/cluster-image/internal/failure"
)

func TestError(t *testing.T) {
	t.Parallel()
	timeout := errors.New("i/o timeout")
	for _, c := range []struct {
		f    failure.Failure
		want string
	}{
		{failure.Failure{Err: timeout}, "i/o timeout"},
		{failure.Failure{App: "nginx 1.23.1", Err: timeout}, "nginx 1.23.1: i/o timeout"},
		{
			failure.Failure{App: "nginx 1.23.1", Platform: "linux/arm64", Step: "fetch", Asked: "quay.io/x/y:1", Of: "mirror.example.com", Tries: 5, Err: timeout},
			"nginx 1.23.1, linux/arm64: fetch: quay.io/x/y:1: i/o timeout (asked of mirror.example.com, 5 tries)",
		},
		{
			failure.Failure{Step: "fetch", Asked: "quay.io/x/y:1", Of: "quay.io", Tries: 1, Err: errors.New("GET https://quay.io/v2/: no route")},
			"fetch: quay.io/x/y:1: GET https://quay.io/v2/: no route",
		},
		{failure.Failure{Step: "push", Asked: "a/b:1", Err: errors.New("a/b:1 exists")}, "push: a/b:1 exists"},
	} {
		if got := c.f.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestDescribeGathersWhatEachLayerKnows(t *testing.T) {
	t.Parallel()
	cause := errors.New("unauthorized")
	inner := &failure.Failure{Class: failure.Registry, Asked: "quay.io/x/y:1", Of: "quay.io", Tries: 2, Advice: "log in", Err: cause}
	outer := &failure.Failure{App: "nginx 1.23.1", Step: "fetch", Advice: "", Err: fmt.Errorf("resolve images: %w", inner)}
	got := failure.Describe(fmt.Errorf("build: %w", outer))
	if got == nil || got.Class != failure.Registry || got.Advice != "log in" {
		t.Fatalf("got %+v", got)
	}
	if want := "nginx 1.23.1: fetch: resolve images: quay.io/x/y:1: unauthorized (2 tries)"; got.Error() != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.Is(outer, cause) {
		t.Error("the cause is not in the chain")
	}
	if failure.Describe(cause) != nil {
		t.Error("an error without a failure became one")
	}
}

func TestDescribeKeepsAllOfSeveralErrors(t *testing.T) {
	t.Parallel()
	one, two := &failure.Failure{Asked: "a", Err: errors.New("x")}, &failure.Failure{Asked: "b", Err: errors.New("y")}
	got := failure.Describe(&failure.Failure{Step: "push", Err: errors.Join(one, two)})
	if want := "push: a: x\nb: y"; got.Error() != want || got.Asked != "" {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestDescribeFollowsOneErrorThatIsJoined has an error that a deferred Close adds nothing to.
func TestDescribeFollowsOneErrorThatIsJoined(t *testing.T) {
	t.Parallel()
	got := failure.Describe(errors.Join(failure.New(failure.Usage, "it is full").Advise("name another"), nil))
	if got == nil || got.Class != failure.Usage || got.Advice != "name another" || got.Error() != "it is full" {
		t.Errorf("got %+v", got)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for class, want := range map[failure.Class]int{
		failure.Usage: 2, failure.Recipe: 3, failure.Source: 4, failure.Registry: 5, failure.Internal: 1, failure.Interrupted: 130, "": 1, "other": 1,
	} {
		if got := class.ExitCode(); got != want {
			t.Errorf("%q: %d, want %d", class, got, want)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	f := failure.New(failure.Usage, "unknown flag %s", "--x").Advise("see %s", "--help")
	if f.Error() != "unknown flag --x" || f.Advice != "see --help" || f.Class != failure.Usage {
		t.Errorf("got %+v", f)
	}
}
