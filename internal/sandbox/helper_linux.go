package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The helper's files: it may run while the first is open, and answers on the second.
const (
	aliveFile  = 3
	answerFile = 4
)

// Main is the helper's side of [Run], for the command [Command] with the arguments behind it. It gives the exit status of the process.
func Main(args []string) int {
	out := os.NewFile(answerFile, "answer")
	alive := os.NewFile(aliveFile, "alive")
	if len(args) != 1 || out == nil || alive == nil {
		fmt.Fprintln(os.Stderr, Command+" is called by the program itself")
		return 2
	}
	syscall.CloseOnExec(aliveFile)
	syscall.CloseOnExec(answerFile)
	a := supervise(args[0], alive)
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return 1
	}
	return a.Code
}

// supervise confines this process, runs the program in it, and ends whatever it leaves.
func supervise(text string, alive io.Reader) answer {
	var r request
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return failure(fmt.Errorf("read request: %w", err))
	}
	runtime.LockOSThread() // capabilities and the Landlock domain belong to the thread that starts the program
	if err := confine(r); err != nil {
		return failure(err)
	}
	cmd := exec.Command(r.Path, r.Args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return failure(fmt.Errorf("start %s: %w", r.Path, err))
	}
	return wait(cmd, alive)
}

// wait ends all processes when the program has ended, or when nobody holds the other end of alive any more. The signals must come from the thread
// that started the program: another's Landlock domain is not the program's, and the kernel would refuse them.
func wait(cmd *exec.Cmd, alive io.Reader) answer {
	exited, abandoned := make(chan error, 1), make(chan struct{})
	go func() { exited <- cmd.Wait() }()
	go func() {
		_, _ = io.Copy(io.Discard, alive)
		close(abandoned)
	}()
	select {
	case err := <-exited:
		killDescendants()
		return ended(cmd, err)
	case <-abandoned:
		killDescendants()
		return answer{Failure: "cancelled", Code: 1}
	}
}

func confine(r request) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt processes: %w", err)
	}
	if !r.Confine {
		return nil
	}
	if err := restrictFiles(r); err != nil {
		return fmt.Errorf("confine files: %w", err)
	}
	if err := restrictSockets(); err != nil {
		return fmt.Errorf("confine sockets: %w", err)
	}
	dropCapabilities()
	return nil
}

func failure(err error) answer { return answer{Failure: err.Error(), Code: 1} }

func ended(cmd *exec.Cmd, err error) answer {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return failure(fmt.Errorf("wait for %s: %w", cmd.Path, err))
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return answer{Code: 128 + int(status.Signal()), Signal: status.Signal().String()}
	}
	return answer{Code: cmd.ProcessState.ExitCode()}
}
