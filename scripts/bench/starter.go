package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// starterMode is the hidden mode that runs a job. Linux counts the memory of the process that starts another as that one's own peak, so that whoever
// starts what is measured must be small: a process of this program that does nothing else.
const starterMode = "run-job"

// step is one process of a job.
type step struct {
	Path string
	Args []string
	Env  []string
	Dir  string
}

// job is processes that run one after another, until one fails. What they print goes to the file Log.
type job struct {
	Steps []step
	Log   string
}

// usage is what a job took: the processes together, and the largest of them for memory.
type usage struct {
	Wall   time.Duration
	User   time.Duration
	System time.Duration
	// Peak is the largest resident set of a process, in bytes.
	Peak  int64
	Error string
}

func (u usage) cpu() time.Duration { return u.User + u.System }

// starter is the side of the small process.
func starter([]string) int {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "bench: read job:", err)
		return 1
	}
	u := runJob(j)
	if err := json.NewEncoder(os.Stdout).Encode(u); err != nil {
		return 1
	}
	return 0
}

func runJob(j job) usage {
	var u usage
	log, err := os.Create(j.Log)
	if err != nil {
		return usage{Error: err.Error()}
	}
	defer log.Close()
	for _, s := range j.Steps {
		cmd := exec.Command(s.Path, s.Args...)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = s.Env, s.Dir, log, log
		begin := time.Now()
		err := cmd.Run()
		u.Wall += time.Since(begin)
		u.add(cmd.ProcessState)
		if err != nil {
			u.Error = fmt.Sprintf("%s: %v", s, err)
			break
		}
	}
	return u
}

func (s step) String() string {
	text := s.Path
	for _, a := range s.Args[:min(len(s.Args), 3)] {
		text += " " + a
	}
	return text
}

func (u *usage) add(p *os.ProcessState) {
	if p == nil {
		return
	}
	u.User += p.UserTime()
	u.System += p.SystemTime()
	u.Peak = max(u.Peak, peak(p))
}

// measure runs a job and waits for it. A job that failed is no error of measure: its usage says so, with the end of its log.
func measure(ctx context.Context, j job, timeout time.Duration) (usage, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return usage{}, fmt.Errorf("find this program: %w", err)
	}
	input, err := json.Marshal(j)
	if err != nil {
		return usage{}, fmt.Errorf("write job: %w", err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, self, starterMode)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, os.Stderr
	asGroup(cmd)
	err = cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return usage{Error: fmt.Sprintf("no end after %s", timeout)}, nil
	}
	if err != nil {
		return usage{}, fmt.Errorf("run job: %w", err)
	}
	var u usage
	if err := json.Unmarshal(out.Bytes(), &u); err != nil {
		return usage{}, fmt.Errorf("read what the job took: %w", err)
	}
	if u.Error != "" {
		u.Error += "\n" + tail(j.Log)
	}
	return u, nil
}

// tail is the end of a log.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}
