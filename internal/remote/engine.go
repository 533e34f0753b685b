// Package remote builds on a Dagger engine: on this machine, on another one, in a cluster. It calls the dagger command line with the Dagger module of
// this project, so that nothing here depends on the version of an engine's interface.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// RunnerVariable is the environment variable in which the dagger command line takes the address of an engine.
const RunnerVariable = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"

// stopTime is how long a cancelled call may take to stop its containers.
const stopTime = 10 * time.Second

// ErrNoCLI means that the dagger command line is not installed.
var ErrNoCLI = errors.New("the dagger command line is not installed")

// ErrNoEngine means that no engine answered.
var ErrNoEngine = errors.New("no Dagger engine answered")

// Engine is a Dagger engine and the module that is called on it.
type Engine struct {
	// Runner is the engine's address, as ssh://, tcp://, unix://, kube-pod://, container:// or image://. Empty leaves it to the environment,
	// and that to dagger, which starts an engine with Docker.
	Runner string
	// Module is a directory with a dagger.json, or an address as github.com/OWNER/REPOSITORY@VERSION.
	Module string
	// Constructor are the arguments of the module itself.
	Constructor []string
	// Flags are those of the dagger command line, such as --progress=plain.
	Flags []string
	// Log takes what dagger tells while it works; nil discards it.
	Log io.Writer
	// Watch is how often an engine of an address is asked, while it works, whether it is still there; zero is once a minute.
	Watch time.Duration
}

// Call calls a chain of functions of the module and gives what it printed. Secrets are handed over as environment variables, which arguments name as
// env:NAME; they are in no argument and in no message.
func (e Engine) Call(ctx context.Context, chain []string, secrets map[string]string) (string, error) {
	args := append([]string{"call", "--mod", e.Module}, e.Flags...)
	args = append(append(args, e.Constructor...), chain...)
	var env []string
	for name, value := range secrets {
		env = append(env, name+"="+value)
	}
	ctx, stop := e.watched(ctx)
	defer stop()
	out, err := e.dagger(ctx, e.Log, env, args...)
	if err != nil {
		return "", fmt.Errorf("dagger call %s: %w", chain[0], err)
	}
	return strings.TrimSpace(out), nil
}

// dagger runs the dagger command line. A cancelled context interrupts it, so that it can stop its containers.
func (e Engine) dagger(ctx context.Context, log io.Writer, env []string, args ...string) (string, error) {
	path, err := exec.LookPath("dagger")
	if err != nil {
		return "", ErrNoCLI
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(append(os.Environ(), e.environment()...), env...)
	cmd.Stdout, cmd.Stderr = &out, log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTime
	err = cmd.Run()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return out.String(), err
}

func (e Engine) environment() []string {
	env := []string{"DAGGER_NO_NAG=1"}
	if e.Runner != "" {
		env = append(env, RunnerVariable+"="+e.Runner)
	}
	return env
}
