package progress_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
)

// script tells a reporter a run of thirty seconds; look is called at the moments worth seeing.
func script(r *progress.Reporter, c *clock, look func(name string)) {
	r.Images(10)
	download := r.Step("download", "nginx 1.23.1 for linux/amd64")
	r.Output("init.sh", "\x1b[31madding repo\x1b[0m bitnami\x1b[2J\u202e\r\n")
	c.pass(1200 * time.Millisecond)
	download.Done(nil)
	r.Warn("image %s: kept out", "x:1")

	fetch := r.Step("fetch", "10 images, 2 platforms")
	r.Expect(progress.Fetch, 8, 335_000_000)
	r.Expect(progress.Push, 8, 335_000_000)
	reuse := r.Transfer(progress.Reuse, "sha256:00", 12_000_000)
	reuse.Done(nil)
	var flying []*progress.Transfer
	for i := range 7 {
		flying = append(flying, r.Transfer(progress.Fetch, fmt.Sprintf("docker.io/library/nginx@sha256:%064d", i), 40_000_000))
	}
	push := r.Transfer(progress.Push, "docker.io/labring/nginx", 0)
	r.Refresh()
	for range 4 {
		c.pass(time.Second)
		for _, f := range flying {
			f.Add(5_000_000)
		}
		push.Add(1_000_000)
		r.Refresh()
	}
	look("middle")
	flying[0].Add(-20_000_000)
	flying[0].Done(errors.New("connection reset"))
	r.Note("docker.io asks to slow down")
	r.Refresh()
	look("slower")
	for _, f := range flying[1:] {
		f.Add(20_000_000)
		f.Done(nil)
	}
	c.pass(10 * time.Second)
	push.Done(nil)
	fetch.Done(errors.New("one blob failed"))
	r.Refresh()
	r.Report()
	r.Close()
}

func TestPlain(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	r := progress.New(progress.Options{Mode: progress.Plain, Out: &out, Clock: c})
	script(r, c, func(string) {})
	golden(t, "plain.txt", out.String())
}

func TestAutoIsPlainElsewhereThanOnATerminal(t *testing.T) {
	t.Parallel()
	var auto, plain bytes.Buffer
	for mode, out := range map[progress.Mode]*bytes.Buffer{progress.Auto: &auto, progress.Plain: &plain} {
		c := newClock()
		script(progress.New(progress.Options{Mode: mode, Out: out, Clock: c}), c, func(string) {})
	}
	if auto.String() != plain.String() {
		t.Errorf("auto wrote\n%s\nplain wrote\n%s", auto.String(), plain.String())
	}
}

func TestQuietShowsWarningsAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	script(progress.New(progress.Options{Mode: progress.Quiet, Out: &out, Clock: c}), c, func(string) {})
	if want := "warning: image x:1: kept out\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	for _, width := range []int{100, 60, 24} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			var seen strings.Builder
			screen, c := &terminal{}, newClock()
			r := progress.New(progress.Options{Mode: progress.Bars, Out: screen, Clock: c, Width: func() int { return width }})
			script(r, c, func(name string) { fmt.Fprintf(&seen, "--- %s\n%s", name, screen.screen()) })
			fmt.Fprintf(&seen, "--- end\n%s", screen.screen())
			golden(t, fmt.Sprintf("bars-%d.txt", width), seen.String())
		})
	}
}

func TestBarsRedrawInOneWrite(t *testing.T) {
	t.Parallel()
	screen, c := &terminal{}, newClock()
	r := progress.New(progress.Options{Mode: progress.Bars, Out: screen, Clock: c, Width: func() int { return 80 }})
	defer r.Close()
	r.Transfer(progress.Fetch, "blob", 100)
	before := screen.writes
	r.Refresh()
	if got := screen.writes - before; got != 1 {
		t.Errorf("a redraw took %d writes, want 1", got)
	}
}

func TestBarsFitTheTerminal(t *testing.T) {
	t.Parallel()
	screen, c := &terminal{}, newClock()
	r := progress.New(progress.Options{Mode: progress.Bars, Out: screen, Clock: c, Width: func() int { return 40 }})
	defer r.Close()
	r.Step("fetch", strings.Repeat("镜像", 50)+"\nsecond line")
	r.Transfer(progress.Push, strings.Repeat("a\tb", 100), 5e12).Add(4e12)
	r.Refresh()
	if screen.widest > 39 {
		t.Errorf("a line has %d characters, the terminal 40 columns:\n%s", screen.widest, screen.screen())
	}
	if !strings.Contains(screen.screen(), "4.00 TB of 5.00 TB") {
		t.Errorf("the figures of a transfer with a long name are missing:\n%s", screen.screen())
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	script(progress.New(progress.Options{Mode: progress.JSON, Out: &out, Clock: c}), c, func(string) {})
	golden(t, "lines.json", out.String())
	for line := range strings.Lines(out.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil || e["event"] == nil || e["time"] == nil {
			t.Errorf("not an event: %s (%v)", line, err)
		}
	}
}

func TestPlainLinesAreRateLimited(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	r := progress.New(progress.Options{Mode: progress.Plain, Out: &out, Clock: c})
	defer r.Close()
	blob := r.Transfer(progress.Fetch, "blob", 1_000_000)
	for range 1000 {
		c.pass(10 * time.Millisecond)
		blob.Add(1000)
		r.Refresh()
	}
	if got := strings.Count(out.String(), "\n"); got != 5 {
		t.Errorf("%d lines in ten seconds, want 5:\n%s", got, out.String())
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := progress.New(progress.Options{Mode: progress.Quiet, Out: &bytes.Buffer{}, Clock: c})
	script(r, c, func(string) {})
	got, err := json.Marshal(r.Summary())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"images":10,"fetched":{"files":6,"bytes":240000000},"reused":{"files":1,"bytes":12000000},"pushed":{"files":1,"bytes":4000000},` +
		`"skipped":{"files":0,"bytes":0},"mounted":{"files":0,"bytes":0},` +
		`"steps":[{"step":"download","seconds":1.2},{"step":"fetch","seconds":14,"failed":true}],"seconds":15.2}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStepsOfOneNameAddUp(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := progress.New(progress.Options{Mode: progress.Quiet, Out: &bytes.Buffer{}, Clock: c})
	defer r.Close()
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		s := r.Step("download", platform)
		c.pass(time.Second)
		s.Done(nil)
		s.Done(errors.New("a second call does nothing"))
	}
	if got := r.Summary().Steps; len(got) != 1 || got[0].Seconds != 2 || got[0].Failed {
		t.Errorf("got %+v, want one download of 2 s", got)
	}
}

func TestStepsThatOverlapCountOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := progress.New(progress.Options{Mode: progress.Quiet, Out: &bytes.Buffer{}, Clock: c})
	defer r.Close()
	long, short := r.Step("download", "linux/amd64"), r.Step("download", "linux/arm64")
	c.pass(time.Second)
	short.Done(nil)
	c.pass(time.Second)
	long.Done(nil)
	c.pass(time.Second)
	r.Step("download", "again")
	c.pass(time.Second)
	if got := r.Summary().Steps; len(got) != 1 || got[0].Seconds != 3 {
		t.Errorf("got %+v, want one download of 3 s", got)
	}
}

func TestNilDiscards(t *testing.T) {
	t.Parallel()
	var r *progress.Reporter
	r.Step("fetch", "").Done(nil)
	blob := r.Transfer(progress.Fetch, "x", 1)
	blob.Add(1)
	blob.Done(nil)
	r.Warn("x")
	r.Note("x")
	r.Output("x", "y")
	r.Redact("secret")
	r.Images(1)
	r.Expect(progress.Fetch, 1, 1)
	r.Refresh()
	r.Report()
	r.Close()
	if s := r.Summary(); s.Fetched.Files != 0 {
		t.Errorf("a nil reporter counted: %+v", s)
	}
}

func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	for _, mode := range []progress.Mode{progress.Bars, progress.Plain, progress.JSON} {
		r := progress.New(progress.Options{Mode: mode, Out: &terminalless{}, Clock: newClock()})
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 50 {
					blob := r.Transfer(progress.Push, "x", 10)
					blob.Add(10)
					r.Redact("password")
					r.Refresh()
					blob.Done(nil)
				}
			})
		}
		wg.Wait()
		r.Close()
		r.Close()
		if got := r.Summary().Pushed; got.Files != 800 || got.Bytes != 8000 {
			t.Errorf("%s: %+v, want 800 blobs of 8000 bytes", mode, got)
		}
	}
}

// terminalless drops what it is given and, unlike [bytes.Buffer], would show a race between two writers.
type terminalless struct{ n int }

func (w *terminalless) Write(p []byte) (int, error) {
	w.n += len(p)
	return len(p), nil
}

func TestNothingIsWrittenAfterClose(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := progress.New(progress.Options{Mode: progress.Plain, Out: &out, Clock: newClock()})
	r.Close()
	r.Warn("late")
	r.Refresh()
	if out.Len() > 0 {
		t.Errorf("wrote %q after Close", out.String())
	}
}

func TestWallClockTicks(t *testing.T) {
	t.Parallel()
	drawn := make(chan struct{}, 1)
	r := progress.New(progress.Options{Mode: progress.Bars, Out: signal(drawn)})
	defer r.Close()
	r.Transfer(progress.Fetch, "blob", 10)
	<-drawn
}

// signal tells that something was written.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestParseMode(t *testing.T) {
	t.Parallel()
	if m, err := progress.ParseMode("json"); m != progress.JSON || err != nil {
		t.Errorf("got %q, %v", m, err)
	}
	if _, err := progress.ParseMode("loud"); err == nil || err.Error() != `unknown progress mode "loud": want auto, bars, plain, json or quiet` {
		t.Errorf("got %v", err)
	}
}
