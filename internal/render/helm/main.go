// Package helm renders charts with Helm's engine. It is the only package of the project, beside the toolbox, that links helm.
package helm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/labring-actions/cluster-image/internal/render"
)

// maxRequest bounds the request line.
const maxRequest = 16 << 20

// Main is the render process: it reads one request line from stdin, limits itself, answers on stdout and returns the exit code. When stdin is a
// file, its end ends the process, so that a child does not outlive its parent.
func Main(stdin io.Reader, stdout io.Writer) int {
	out := bufio.NewWriterSize(stdout, 64<<10)
	w := &answer{Writer: render.NewWriter(out), out: out}
	err := serve(stdin, w)
	if err != nil {
		err = w.Failure(err)
	} else {
		err = w.Done(peakMemory())
	}
	if err != nil || out.Flush() != nil {
		return 1
	}
	return 0
}

// answer is flushed after every set, so that a set that ends the process does not take the ones before with it.
type answer struct {
	*render.Writer
	out *bufio.Writer
}

// Outcome implements sink.
func (a *answer) Outcome(set int, o render.Outcome) error {
	if err := a.Writer.Outcome(set, o); err != nil {
		return err
	}
	return a.out.Flush()
}

func serve(stdin io.Reader, w sink) error {
	in := bufio.NewReader(io.LimitReader(stdin, maxRequest))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var req render.Request
	if err := json.Unmarshal(line, &req); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	req.Limits = req.Limits.WithDefaults()
	if f, ok := stdin.(*os.File); ok {
		slog.SetDefault(slog.New(slog.DiscardHandler))
		limit(req.Limits)
		go watch(f)
	}
	return run(context.Background(), req, w)
}

// watch ends the process with its input.
func watch(f *os.File) {
	_, _ = io.Copy(io.Discard, f)
	os.Exit(1)
}

// sink takes what a rendering yields.
type sink interface {
	Chart(render.Chart) error
	Document(render.Document) error
	Outcome(set int, o render.Outcome) error
}

// Renderer renders in this process, without a deadline and without a memory limit: for tests, and for charts that are trusted.
type Renderer struct{}

// Render implements [render.Renderer].
func (Renderer) Render(ctx context.Context, req render.Request, emit render.Emit) (render.Response, error) {
	req.Limits = req.Limits.WithDefaults()
	c := &collector{emit: emit, res: render.Response{Outcomes: make([]render.Outcome, len(req.Sets))}}
	err := run(ctx, req, c)
	return c.res, err
}

type collector struct {
	res  render.Response
	emit render.Emit
}

// Chart implements sink.
func (c *collector) Chart(ch render.Chart) error { c.res.Chart = ch; return nil }

// Document implements sink.
func (c *collector) Document(d render.Document) error { return c.emit(c.res.Chart, d) }

// Outcome implements sink.
func (c *collector) Outcome(set int, o render.Outcome) error { c.res.Outcomes[set] = o; return nil }
