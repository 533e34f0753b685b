//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Detect finds no Landlock outside Linux.
func Detect() Level { return newLevel(0, "only Linux has Landlock") }

// Run runs the program without a sandbox.
func Run(ctx context.Context, p Program, o Options) error {
	if _, err := o.Check(); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, p.Path, p.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.Dir, p.Env, p.Output, p.Output, 10*time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		return &ExitError{Code: exit.ExitCode()}
	case err != nil:
		return fmt.Errorf("run %s: %w", p.Path, err)
	}
	return nil
}

// Main has no work outside Linux.
func Main([]string) int {
	fmt.Fprintln(os.Stderr, Command+" is only for Linux")
	return 2
}
