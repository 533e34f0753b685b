package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// waitDelay is how long the pipes of a killed child may stay open.
const waitDelay = 5 * time.Second

// Child returns a renderer that starts exe with args for every chart. The program must call render/helm.Main. The child gets an empty
// environment and its own process group, which is killed at the deadline or when ctx ends; it ends by itself when its standard input does, so
// that it does not outlive a killed parent.
func Child(exe string, args ...string) Renderer {
	return child{exe: exe, args: args}
}

type child struct {
	exe  string
	args []string
}

// Render implements [Renderer].
func (c child) Render(ctx context.Context, req Request, emit Emit) (Response, error) {
	req.Limits = req.Limits.WithDefaults()
	res := Response{Outcomes: make([]Outcome, len(req.Sets))}
	root, err := filepath.Abs(req.Root)
	if err != nil {
		return res, fmt.Errorf("find %s: %w", req.Root, err)
	}
	req.Root = root
	limited, cancel := context.WithTimeout(ctx, req.Limits.Time)
	defer cancel()
	p, err := c.start(limited, req)
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		return res, tooLong(req.Limits)
	case err != nil:
		return res, fmt.Errorf("start the render process %s: %w", c.exe, err)
	}
	failed := read(io.LimitReader(p.stdout, answerLimit(req)), &res, emit)
	return res, p.end(ctx, limited, failed, req.Limits)
}

// answerLimit is more than a child that keeps its limits can say.
func answerLimit(req Request) int64 {
	return 2*(req.Limits.Output*int64(len(req.Sets)+1)+req.Limits.ChartSize) + 1<<20
}

type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	stderr *head
}

func (c child) start(ctx context.Context, req Request) (*process, error) {
	cmd := exec.CommandContext(ctx, c.exe, c.args...)
	cmd.Env = []string{}
	cmd.WaitDelay = waitDelay
	ownGroup(cmd)
	p := &process{cmd: cmd, stderr: &head{limit: 32 << 10}}
	cmd.Stderr = p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := json.Marshal(req)
	if err != nil {
		return nil, errors.Join(err, kill(cmd), cmd.Wait())
	}
	// A child that is dead already cannot take the request; what it left behind says more than the broken pipe.
	_, _ = p.stdin.Write(append(line, '\n'))
	return p, nil
}

// end stops the child and says why it failed, if it did. The child must not be asked for anything any more.
func (p *process) end(ctx, limited context.Context, failed error, limits Limits) error {
	stopped := errors.Is(failed, errUnfinished)
	if failed != nil && !stopped {
		_ = kill(p.cmd)
	}
	_ = p.stdin.Close()
	waited := p.cmd.Wait()
	switch {
	case failed == nil:
		return nil
	case !stopped:
		return failed
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return tooLong(limits)
	}
	return p.died(waited, limits)
}

func tooLong(l Limits) error { return fmt.Errorf("%w: killed after %s", ErrTooLong, l.Time) }

// died explains the death of a child by what it wrote. The collector of Go faults where the system refuses it memory; what a template makes fault is
// a panic and reads otherwise.
func (p *process) died(waited error, limits Limits) error {
	said := p.stderr.String()
	for _, sign := range []string{"out of memory", "cannot allocate memory", "stack exceeds", "stack overflow", "errno=12", "pthread_create failed",
		"failed to create new OS thread", "unexpected signal during runtime execution", "SIGSEGV: segmentation violation\nPC="} {
		if strings.Contains(said, sign) {
			return fmt.Errorf("%w: more than %d MiB (endless recursion, or a huge range or repeat?)", ErrTooMuchMemory, limits.Memory>>20)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return fmt.Errorf("the render process ended without an answer (%v): %s", waited, first)
}

// head keeps the first bytes of what is written.
type head struct {
	bytes.Buffer
	limit int
}

// Write never fails, so that a child that talks a lot is not blocked.
func (h *head) Write(b []byte) (int, error) {
	if room := h.limit - h.Len(); room > 0 {
		h.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
