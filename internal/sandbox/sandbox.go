// Package sandbox runs a program that is not trusted so that it writes only where it was told, reads only what a program needs, and leaves no
// process behind. It needs no root: Linux's Landlock confines the files, a seccomp filter keeps it from the sockets of other programs (a Docker
// daemon, a session bus). The network stays open.
//
// Every such program is run by a helper process, which is this same binary under the command [Command]: main must call [Main] for it. The helper
// ends all that the program started, when the program ends, when the run is cancelled, and when the process that asked is killed.
package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Command is the hidden command of the binary that runs a program in the sandbox.
const Command = "sandbox-exec"

// Options say how strict the sandbox is.
type Options struct {
	// Exe is the binary that knows the command [Command]; empty means the running one.
	Exe string
	// Require makes it an error when the kernel can't confine the program wholly.
	Require bool
	// Off runs the program without confining it, supervised all the same.
	Off bool
}

// Program is what to run.
type Program struct {
	// Path is the absolute path of the program, Args what follows its name.
	Path string
	Args []string
	// Dir is its working directory. Env is its whole environment.
	Dir string
	Env []string
	// Write are directories that it may change, Read further files and directories that it may read and execute.
	Write, Read []string
	// Output gets what it writes to standard output and standard error. Its standard input is empty.
	Output io.Writer
}

// ErrUnavailable means that the kernel can't confine a program as wholly as was required.
var ErrUnavailable = errors.New("no sandbox on this machine")

// ExitError says how a program ended that did not end well.
type ExitError struct {
	// Code is the exit status, 128 plus the number for a signal.
	Code int
	// Signal is the name of the signal that killed it; empty when it exited by itself.
	Signal string
}

func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "was killed by a signal: " + e.Signal
	}
	return fmt.Sprintf("exited with status %d", e.Code)
}

// Level is how far this machine can confine a program.
type Level struct {
	// ABI is the version of Landlock that the kernel offers, zero without it.
	ABI int
	// Reason says what is missing, in one line; empty when nothing is.
	Reason string
}

// wholeABI is the first Landlock version (Linux 6.2) that knows truncation, so that no file outside can be emptied.
const wholeABI = 3

// Confined says whether the files are confined at all.
func (l Level) Confined() bool { return l.ABI > 0 }

func newLevel(abi int, missing string) Level {
	switch {
	case abi <= 0:
		return Level{Reason: missing}
	case abi < wholeABI:
		return Level{ABI: abi, Reason: fmt.Sprintf("Landlock here (version %d) cannot keep a program from emptying files outside its directory: Linux 6.2 or newer can", abi)}
	}
	return Level{ABI: abi}
}

// Check says how far the options can be met on this machine, and refuses when they require more.
func (o Options) Check() (Level, error) {
	level := Detect()
	switch {
	case o.Require && o.Off:
		return level, fmt.Errorf("%w: it is required and turned off at once", ErrUnavailable)
	case o.Require && level.Reason != "":
		return level, fmt.Errorf("%w: %s; --engine dagger runs the recipe in a container instead", ErrUnavailable, level.Reason)
	case o.Off:
		return Level{Reason: "it is turned off"}, nil
	}
	return level, nil
}

func (o Options) exe() (string, error) {
	if o.Exe != "" {
		return o.Exe, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the program's own file: %w", err)
	}
	return exe, nil
}
