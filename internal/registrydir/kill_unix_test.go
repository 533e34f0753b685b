//go:build unix

package registrydir_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

// killAt and killIn tell the test binary to write a directory and to kill itself at the nth look at the context.
const killAt, killIn = "REGISTRYDIR_TEST_KILL_AT", "REGISTRYDIR_TEST_KILL_IN"

// suicide is a context that kills the process after some looks at it.
type suicide struct {
	context.Context
	left atomic.Int64
}

func (s *suicide) Err() error {
	if s.left.Add(-1) < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal is there
	}
	return nil
}

// TestKilled kills a writing process at every step: what is there can be read, no tag of it is incomplete, and the next run completes it.
func TestKilled(t *testing.T) {
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	if at, err := strconv.Atoi(os.Getenv(killAt)); err == nil {
		ctx := &suicide{Context: t.Context()}
		ctx.left.Store(int64(at))
		if err := d.Write(ctx, os.Getenv(killIn)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := contents(t, d)
	for n := 0; ; n++ {
		dir := t.TempDir()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), killAt+"="+strconv.Itoa(n), killIn+"="+dir)
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
			t.Fatalf("%v: %s", err, out)
		}
		checkWhole(t, dir)
		if err := d.Write(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		diffFiles(t, onDisk(t, dir), want)
		if err == nil {
			if n < d.Len() {
				t.Errorf("only %d steps", n)
			}
			return
		}
	}
}

// checkWhole wants every tag that is there to be complete.
func checkWhole(t *testing.T, dir string) {
	t.Helper()
	back, err := registrydir.Read(dir)
	if errors.Is(err, registrydir.ErrNotRegistry) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range defectsOf(t, back.Verify(t.Context(), amd64)) {
		if !strings.Contains(line, "has no tag") && !strings.Contains(line, "holds no image") {
			t.Error(line)
		}
	}
}
