// Package progress is the one stream of what a run does: steps, transfers, warnings, output of recipes. It is shown as bars on a terminal, as plain
// lines in a log or as JSON lines, and summed up in a table at the end.
//
// A nil [Reporter], [Step] or [Transfer] discards what it is told, so a package that reports needs no switch for it.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Mode is how a [Reporter] shows what it is told.
type Mode string

// The modes of --progress. Auto is Bars on a terminal that can move its cursor, Plain elsewhere. Quiet shows warnings alone.
const (
	Auto  Mode = "auto"
	Bars  Mode = "bars"
	Plain Mode = "plain"
	JSON  Mode = "json"
	Quiet Mode = "quiet"
)

// ParseMode reads what --progress was given.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Auto, Bars, Plain, JSON, Quiet:
		return m, nil
	}
	return "", fmt.Errorf("unknown progress mode %q: want auto, bars, plain, json or quiet", s)
}

// Options say where and how a [Reporter] writes. The zero value writes to standard error in the mode Auto.
type Options struct {
	// Mode is Auto when empty.
	Mode Mode
	// Out is standard error when nil.
	Out io.Writer
	// Clock is the wall clock when nil.
	Clock Clock
	// Width gives the columns of the terminal; nil asks the terminal behind Out.
	Width func() int
	// Secrets are left out of everything that is written; nil starts with none.
	Secrets *Secrets
}

// Reporter gathers what steps and transfers tell and shows it. Its methods may be called from many goroutines.
type Reporter struct {
	clock   Clock
	secrets *Secrets
	started time.Time
	counts  counts
	stop    func()
	ended   chan struct{}

	mu      sync.Mutex
	view    renderer
	closed  bool
	images  int
	steps   []*Step
	flights flights
	rates   rates
}

// renderer draws events. Its methods are called one at a time.
type renderer interface {
	event(e Event)
	refresh(p Progress)
	close()
	interval() time.Duration
}

// New starts a reporter, which must be closed.
func New(o Options) *Reporter {
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.Clock == nil {
		o.Clock = wall{}
	}
	if o.Secrets == nil {
		o.Secrets = new(Secrets)
	}
	r := &Reporter{clock: o.Clock, secrets: o.Secrets, started: o.Clock.Now(), view: newRenderer(o), ended: make(chan struct{})}
	ticks, stop := o.Clock.Ticks(r.view.interval())
	quit := make(chan struct{})
	r.stop = sync.OnceFunc(func() { stop(); close(quit) })
	go r.watch(ticks, quit)
	return r
}

func newRenderer(o Options) renderer {
	mode := o.Mode
	if mode == Auto || mode == "" {
		mode = detect(o.Out)
	}
	switch mode {
	case Bars:
		return newBars(o.Out, o.Width)
	case JSON:
		return newLines(o.Out)
	case Quiet:
		return &plain{out: o.Out, quiet: true}
	default:
		return &plain{out: o.Out}
	}
}

// detect finds out whether bars can be drawn.
func detect(out io.Writer) Mode {
	f, ok := out.(*os.File)
	if ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) {
		return Bars
	}
	return Plain
}

// watch refreshes the view until the reporter is closed.
func (r *Reporter) watch(ticks <-chan time.Time, quit <-chan struct{}) {
	defer close(r.ended)
	for {
		select {
		case <-quit:
			return
		case <-ticks:
			r.Refresh()
		}
	}
}

// Refresh brings what is shown up to date. The reporter calls it by itself at the pace of its mode.
func (r *Reporter) Refresh() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.view.refresh(r.progress())
	}
}

// Close stops the reporter, takes the bars off the terminal, and waits until nothing is written any more. A second call does nothing.
func (r *Reporter) Close() {
	if r == nil {
		return
	}
	r.stop()
	<-r.ended
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.view.close()
	}
}

// Warn tells something that the user should look at, though the run goes on.
func (r *Reporter) Warn(format string, args ...any) {
	r.emit(Event{Event: EventWarning, Text: fmt.Sprintf(format, args...)})
}

// Note tells something worth knowing.
func (r *Reporter) Note(format string, args ...any) {
	r.emit(Event{Event: EventNote, Text: fmt.Sprintf(format, args...)})
}

// Output shows a line that a program (source) wrote, for example a recipe's init.sh.
func (r *Reporter) Output(source, line string) {
	r.emit(Event{Event: EventOutput, Source: source, Text: strings.TrimRight(line, "\r\n")})
}

// Redact leaves the secret out of everything written from now on.
func (r *Reporter) Redact(secret string) {
	if r != nil {
		r.secrets.Add(secret)
	}
}

// Images says how many images the run handles, for the table at the end.
func (r *Reporter) Images(n int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images = n
}

// Expect says that so many files and bytes are to be moved in all, which gives the bars their length and the remaining time. Calls add up.
func (r *Reporter) Expect(kind Kind, files int, bytes int64) {
	if r != nil && kind.valid() {
		r.counts[kind].expectedFiles.Add(int64(files))
		r.counts[kind].expectedBytes.Add(bytes)
	}
}

// emit stamps the event and has it drawn.
func (r *Reporter) emit(e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draw(e)
}

// draw expects the lock to be held.
func (r *Reporter) draw(e Event) {
	if r.closed {
		return
	}
	e.Time = r.clock.Now()
	r.view.event(r.clean(e))
}

// clean takes secrets and control characters out of whatever was told.
func (r *Reporter) clean(e Event) Event {
	for _, field := range []*string{&e.Step, &e.Detail, &e.Name, &e.Source, &e.Text, &e.Error} {
		*field = printable(r.secrets.Clean(*field))
	}
	return e
}
