package progress

import (
	"fmt"
	"io"
	"time"
)

// plain writes lines for a log.
type plain struct {
	out   io.Writer
	quiet bool
}

func (p *plain) interval() time.Duration { return 2 * time.Second }

func (p *plain) event(e Event) {
	if line := sentence(e); line != "" && (!p.quiet || e.Event == EventWarning) {
		_, _ = fmt.Fprintln(p.out, line)
	}
}

func (p *plain) refresh(Progress) {}
func (p *plain) close(Progress)   {}

// sentence says an event in one line; it is empty for what only machines and bars show.
func sentence(e Event) string {
	switch e.Event {
	case EventWarning:
		return "warning: " + e.Text
	case EventNote:
		return e.Text
	}
	return ""
}
