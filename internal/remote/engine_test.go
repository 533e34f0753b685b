package remote_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/remote"
)

// fakeDagger puts a script named dagger first on PATH.
func fakeDagger(t *testing.T, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for dagger is a shell script")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dagger"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestProbe(t *testing.T) {
	const cli = `[ "$1" = version ] && { echo "dagger v0.20.0 (image://registry/engine:v0.20.0) linux/amd64"; exit; }` + "\n"
	t.Run("an engine answers", func(t *testing.T) {
		fakeDagger(t, cli+`echo "3 : 00:00 INF connected name=host-$`+remote.RunnerVariable+` client-version=v0.20.0 server-version=v0.21.8" >&2; echo v0.21.8`)
		got, err := remote.Engine{Runner: "tcp://b:1"}.Probe(t.Context())
		if want := (remote.Answer{Name: "host-tcp://b:1", Version: "v0.21.8"}); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
	t.Run("none answers", func(t *testing.T) {
		fakeDagger(t, cli+"echo connection refused >&2; exit 1")
		_, err := remote.Engine{Runner: "tcp://b:1"}.Probe(t.Context())
		if !errors.Is(err, remote.ErrNoEngine) || !strings.Contains(err.Error(), "tcp://b:1: connection refused") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an address of another kind", func(t *testing.T) {
		fakeDagger(t, cli+`echo 'Error: start engine: no driver for scheme "tls" found [traceparent:ca7d-5f4b]' >&2; exit 1`)
		_, err := remote.Engine{Runner: "tls://b:1"}.Probe(t.Context())
		if !errors.Is(err, remote.ErrNoEngine) || !strings.HasSuffix(err.Error(), `at tls://b:1: start engine: no driver for scheme "tls" found`) {
			t.Errorf("got %v", err)
		}
	})
	for words, want := range map[string]string{
		"transport: dial tcp b:1: connect: connection refused":                                           "transport: dial tcp b:1: connect: connection refused",
		"command [ssh -- b buildctl dial-stdio] has exited: stderr=me@b: Permission denied (publickey).": "me@b: Permission denied (publickey).",
	} {
		t.Run("not reached: "+want, func(t *testing.T) {
			fakeDagger(t, cli+`printf '\033[33m! connection error: desc = "`+words+`"\033[0m\n' >&2; echo giving up >&2; exit 1`)
			_, err := remote.Engine{Runner: "tcp://b:1"}.Probe(t.Context())
			if !errors.Is(err, remote.ErrNoEngine) || !strings.HasSuffix(err.Error(), "at tcp://b:1: "+want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	t.Run("no command line", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := (remote.Engine{}).Probe(t.Context()); !errors.Is(err, remote.ErrNoCLI) {
			t.Errorf("got %v", err)
		}
	})
	for what, script := range map[string]string{
		"the dagger command line": "echo dagger v0.19.9",
		"the Dagger engine":       cli + "echo v0.19.9",
	} {
		t.Run("old: "+what, func(t *testing.T) {
			fakeDagger(t, script)
			_, err := remote.Engine{}.Probe(t.Context())
			var old *remote.VersionError
			if !errors.As(err, &old) || old.What != what || old.Version != "v0.19.9" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCall(t *testing.T) {
	t.Run("arguments in order, secrets beside them", func(t *testing.T) {
		fakeDagger(t, `echo "$* / $WORD"`)
		e := remote.Engine{Module: "m", Flags: []string{"--progress=plain"}, Constructor: []string{"--mirror", "a=b"}}
		got, err := e.Call(t.Context(), []string{"build", "digest"}, map[string]string{"WORD": "hush"})
		if want := "call --mod m --progress=plain --mirror a=b build digest / hush"; err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		fakeDagger(t, "exit 1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := (remote.Engine{}).Call(ctx, []string{"build"}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the engine is gone in the midst of the work", func(t *testing.T) {
		fakeDagger(t, `[ "$1" = core ] && { echo connection refused >&2; exit 1; }; exec /bin/sleep 600`)
		e := remote.Engine{Runner: "tcp://b:1", Watch: time.Millisecond}
		_, err := e.Call(t.Context(), []string{"build"}, nil)
		if !errors.Is(err, remote.ErrNoEngine) || !strings.Contains(err.Error(), "dagger call build: the engine is gone in the midst of the work: no Dagger engine answered at tcp://b:1") {
			t.Errorf("got %v", err)
		}
	})
}
