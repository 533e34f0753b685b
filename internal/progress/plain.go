package progress

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// pace is how far apart the lines of a log are that tell how far transfers have come.
const pace = 2 * time.Second

// plain writes lines for a log.
type plain struct {
	out   io.Writer
	quiet bool
	last  time.Time
	said  string
}

func (p *plain) interval() time.Duration { return pace }
func (p *plain) close()                  {}

func (p *plain) event(e Event) {
	if p.quiet && e.Event != EventWarning {
		return
	}
	if e.Event == EventStepStart {
		p.line(start(e))
		return
	}
	p.line(sentence(e))
}

func (p *plain) line(s string) {
	if s != "" {
		_, _ = fmt.Fprintln(p.out, s)
	}
}

// refresh tells how far the transfers have come, unless nothing changed or the last time was a moment ago.
func (p *plain) refresh(now Progress) {
	if p.quiet || len(now.Moving) == 0 || now.At.Sub(p.last) < pace {
		return
	}
	var parts []string
	for _, m := range now.Moving {
		parts = append(parts, m.sentence())
	}
	if line := strings.Join(parts, "; "); line != p.said {
		p.last, p.said = now.At, line
		p.line(line)
	}
}

// sentence says how far the movement has come: fetch: 141 MB of 335 MB (42%), 12 of 40 blobs, 52.1 MB/s, 3.7s left.
func (m Movement) sentence() string {
	s := fmt.Sprintf("%s: %s of %s (%d%%), %d of %d blobs", m.Kind, Bytes(m.Bytes), Bytes(m.OfBytes), m.percent(), m.Files, m.OfFiles)
	if m.Rate > 0 {
		s += ", " + Rate(m.Rate)
	}
	if m.Left > 0 {
		s += ", " + Duration(seconds(m.Left)) + " left"
	}
	return s
}

// percent is how much of the bytes has moved; a hundred only when all has.
func (m Movement) percent() int {
	if m.OfBytes <= 0 {
		return 0
	}
	p := max(0, m.Bytes) * 100 / m.OfBytes
	if m.Bytes < m.OfBytes {
		return int(min(p, 99))
	}
	return 100
}

// start says that a step begins.
func start(e Event) string { return strings.TrimSuffix(e.Step+": "+e.Detail, ": ") }

// sentence says an event as a person reads it. It is empty for what only programs and bars show.
func sentence(e Event) string {
	switch e.Event {
	case EventStepDone:
		return ended(e)
	case EventWarning:
		return "warning: " + e.Text
	case EventNote:
		return e.Text
	case EventOutput:
		return "  " + e.Source + " | " + e.Text
	case EventSummary:
		return e.Summary.Table()
	}
	return ""
}

// ended says that a step is over. What went wrong is said once, by the one who ends the program.
func ended(e Event) string {
	if e.Error != "" {
		return fmt.Sprintf("%s failed after %s", e.Step, Duration(seconds(e.Seconds)))
	}
	return fmt.Sprintf("%s done in %s", e.Step, Duration(seconds(e.Seconds)))
}
