package outcome

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

const (
	// tailLines and tailWidth bound what is kept of the output.
	tailLines = 40
	tailWidth = 400
	// maxLine bounds a line of output, in bytes.
	maxLine = 1 << 20
)

// Runner runs this program for a build.
type Runner struct {
	// Program is this program.
	Program string
	// Log is where a person reads what goes on.
	Log io.Writer
	// Work is where the steps of a build leave what the next ones go on with; empty runs it in one.
	Work string
	// Flags are further flags of build and push, from whoever maintains the repository.
	Flags []string
	// InActions keeps lines of the output from being commands to the runner of GitHub Actions.
	InActions bool
	Now       func() time.Time
}

// Build runs a build and leaves the image as a layout in a directory. What a recipe does is done here; nothing secret is at hand.
func (r Runner) Build(ctx context.Context, o Outcome, layout string) Outcome {
	b := o.Build
	args := r.arguments(b)
	switch {
	case b.DryRun:
		args = append(args, "--dry-run")
	default:
		args = append(args, "--format", "oci-layout", "--output", layout)
	}
	out := o
	out.State = Built
	if b.DryRun {
		out.State = Planned
	}
	var doc struct {
		Digest    string
		Platforms []Platform
		Images    []Image
		Bytes     struct{ Unique int64 }
		Warnings  int
	}
	out.run(ctx, r, append(args, r.Flags...), nil, &doc)
	out.Digest, out.Platforms, out.Images, out.Bytes, out.Warnings = doc.Digest, doc.Platforms, doc.Images, doc.Bytes.Unique, doc.Warnings
	return out
}

// Steps runs the first steps of a build. A build that has none, on an engine or dry, is left as it is.
func (r Runner) Steps(ctx context.Context, o Outcome, until string) Outcome {
	if o.Build.DryRun || o.Build.Engine != plan.InProcess {
		return o
	}
	var contexts map[string]string
	o.State = Begun
	o.run(ctx, r, append(append(r.arguments(o.Build), "--until", until), r.Flags...), nil, &contexts)
	return o
}

// arguments are those that all runs of a build have in common.
func (r Runner) arguments(b plan.Build) []string {
	args := []string{"build", b.Name, b.Version, "--json", "--progress", "json"}
	for _, p := range b.Platforms {
		args = append(args, "--platform", p)
	}
	for _, kv := range b.Arguments {
		args = append(args, "--build-arg", kv)
	}
	if kind := b.Kind.Recipes(); kind != recipe.Application {
		args = append(args, "--kind", string(kind))
	}
	if b.Engine == plan.OnDagger && !b.DryRun {
		return append(args, "--engine", "dagger")
	}
	if r.Work != "" && !b.DryRun {
		args = append(args, "--work", r.Work)
	}
	if !b.DryRun && !b.Force && !b.Moving {
		args = append(args, "--meant-for", b.Image)
	}
	return args
}

// Push pushes what was built.
func (r Runner) Push(ctx context.Context, out Outcome, layout string, l Login) Outcome {
	args := []string{"push", layout, out.Build.Image, "--json", "--progress", "json"}
	if out.Build.Force {
		args = append(args, "--force")
	}
	if out.Build.Moving {
		args = append(args, "--moving")
	}
	flags, stdin := l.flags()
	var doc []struct{ Reference, Outcome, Replaced string }
	out.State = Pushed
	out.run(ctx, r, append(args, flags...), stdin, &doc)
	if out.State == Pushed && len(doc) == 1 {
		out.Push, out.Replaced, out.Time = doc[0].Outcome, doc[0].Replaced, r.Now().UTC().Truncate(time.Second)
		// What a file says that lay beside a recipe's code is not repeated: this is what the registry has.
		if _, digest, ok := strings.Cut(doc[0].Reference, "@"); ok {
			out.Digest = digest
		}
	}
	return out
}

// run runs the program and reads its document. What goes wrong ends up in the outcome.
func (o *Outcome) run(ctx context.Context, r Runner, args []string, stdin io.Reader, doc any) {
	began := r.Now()
	var stdout bytes.Buffer
	cmd := r.command(ctx, args...)
	cmd.Stdin, cmd.Stdout = stdin, &stdout
	t := &tail{}
	err := r.follow(cmd, t)
	o.Seconds += r.Now().Sub(began).Seconds()
	if err == nil {
		err = json.Unmarshal(stdout.Bytes(), doc)
	}
	if err != nil {
		o.State, o.Failure = Failed, t.failure(err)
	}
}

// command is this program, by its own name: it answers to others as well.
func (r Runner) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.Program, args...)
	cmd.Args[0] = "cluster-image"
	return cmd
}

// follow runs the command and shows what it tells.
func (r Runner) follow(cmd *exec.Cmd, t *tail) error {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the build: %w", err)
	}
	if r.InActions {
		// What the build writes is no command to the runner: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
		token := rand.Text()
		_, _ = fmt.Fprintf(r.Log, "::stop-commands::%s\n", token)
		defer fmt.Fprintf(r.Log, "::%s::\n", token)
	}
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if line := t.read(lines.Bytes()); line != "" {
			_, _ = fmt.Fprintln(r.Log, line)
		}
	}
	_, _ = io.Copy(io.Discard, stderr) // after a line that is too long
	return cmd.Wait()
}

// tail is what was told last.
type tail struct {
	lines []string
	step  string
	last  *event
}

// event is a line of the program's JSON mode.
type event struct {
	Event, Step, Detail, Source, Text, Error, Class string
	To                                              string `json:"to_do"`
	Seconds                                         float64
	Summary                                         *struct{}
}

// read takes a line and gives it as a person reads it; empty when it is for programs alone.
func (t *tail) read(line []byte) string {
	var e event
	if json.Unmarshal(line, &e) != nil || e.Event == "" {
		return t.keep(string(line))
	}
	switch e.Event {
	case "step.start":
		t.step = e.Step
		return t.keep(strings.TrimSuffix(e.Step+": "+e.Detail, ": "))
	case "step.done":
		if e.Error == "" {
			return t.keep(fmt.Sprintf("%s done in %.1fs", e.Step, e.Seconds))
		}
		t.step = e.Step
		return t.keep(fmt.Sprintf("%s failed after %.1fs", e.Step, e.Seconds))
	case "warning":
		return t.keep("warning: " + e.Text)
	case "note":
		return t.keep(e.Text)
	case "output":
		return t.keep(e.Source + " | " + e.Text)
	case "error":
		t.last = &e
		return "error: " + e.Error
	}
	return ""
}

func (t *tail) keep(line string) string {
	if len(line) > tailWidth {
		t.lines = append(t.lines, strings.ToValidUTF8(line[:tailWidth], "")+"...")
	} else {
		t.lines = append(t.lines, line)
	}
	t.lines = t.lines[max(0, len(t.lines)-tailLines):]
	return line
}

// failure is what the program said last, else how it ended.
func (t *tail) failure(err error) *Failure {
	f := &Failure{Step: t.step, Error: err.Error(), Tail: t.lines}
	if t.last != nil {
		f.Error, f.Class, f.Todo = t.last.Error, t.last.Class, t.last.To
	}
	var exit *exec.ExitError
	if t.last == nil && errors.As(err, &exit) {
		f.Error = "the program ended without a word: " + exit.String()
	}
	return f
}
