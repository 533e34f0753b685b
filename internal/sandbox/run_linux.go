package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// grace is how long the helper may take to end all processes before it is killed itself.
const grace = 10 * time.Second

// Detect asks the kernel for Landlock.
func Detect() Level {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		return newLevel(0, "the kernel has no Landlock, or it is not turned on at boot")
	}
	return newLevel(abi, "")
}

// Run runs the program in the sandbox and waits until it and all its descendants are gone. The error is an [*ExitError] when it ended with a
// status, the context's cause when it was cancelled, [ErrUnavailable] when the sandbox is required and missing.
func Run(ctx context.Context, p Program, o Options) error {
	level, err := o.Check()
	if err != nil {
		return err
	}
	exe, err := o.exe()
	if err != nil {
		return err
	}
	request, err := json.Marshal(request{Path: p.Path, Args: p.Args, Write: p.Write, Read: append([]string{exe}, p.Read...), Confine: level.Confined()})
	if err != nil {
		return fmt.Errorf("write sandbox request: %w", err)
	}
	h, err := newHelper()
	if err != nil {
		return err
	}
	defer h.close()
	cmd := exec.CommandContext(ctx, exe, Command, string(request))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.Dir, p.Env, p.Output, p.Output
	cmd.ExtraFiles = []*os.File{h.alive, h.answer}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = h.stop
	cmd.WaitDelay = grace
	return h.run(ctx, cmd)
}

// helper is the other ends of the helper's two pipes: while the first is open the program may run; the second tells how it ended.
type helper struct {
	alive, answer *os.File // the helper's ends
	hold, result  *os.File // ours
}

func newHelper() (*helper, error) {
	alive, hold, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe to sandbox: %w", err)
	}
	result, answer, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open pipe to sandbox: %w", err), alive.Close(), hold.Close())
	}
	return &helper{alive: alive, answer: answer, hold: hold, result: result}, nil
}

func (h *helper) close() {
	for _, f := range []*os.File{h.alive, h.answer, h.hold, h.result} {
		f.Close() // closing twice is harmless, and nothing is buffered
	}
}

func (h *helper) stop() error { return h.hold.Close() }

func (h *helper) run(ctx context.Context, cmd *exec.Cmd) error {
	switch err := cmd.Start(); {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("start sandbox: %w", err)
	}
	h.alive.Close()
	h.answer.Close()
	waitErr := cmd.Wait()
	// The helper's session holds what it could not end, if it was killed itself.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b, err := io.ReadAll(io.LimitReader(h.result, 64<<10))
	if err != nil {
		return fmt.Errorf("read sandbox result: %w", err)
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		return fmt.Errorf("sandbox ended without a result: %w", errors.Join(waitErr, err))
	}
	return a.err()
}

// request is what the helper is told, in its one argument.
type request struct {
	Path        string
	Args        []string
	Write, Read []string
	Confine     bool
}

// answer is what the helper tells: how the program ended, or why it could not be run.
type answer struct {
	Failure string
	Code    int
	Signal  string
}

func (a answer) err() error {
	switch {
	case a.Failure != "":
		return fmt.Errorf("sandbox: %s", a.Failure)
	case a.Code != 0:
		return &ExitError{Code: a.Code, Signal: a.Signal}
	}
	return nil
}
