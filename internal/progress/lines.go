package progress

import (
	"encoding/json"
	"io"
	"time"
)

// lines writes one JSON object per line.
type lines struct{ out *json.Encoder }

func newLines(out io.Writer) *lines {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return &lines{out: e}
}

func (l *lines) interval() time.Duration { return time.Second }
func (l *lines) close()                  {}

func (l *lines) event(e Event) {
	e.Time = e.Time.UTC()
	_ = l.out.Encode(e)
}

func (l *lines) refresh(p Progress) {
	if len(p.Moving)+len(p.InFlight) > 0 {
		l.event(Event{Time: p.At, Event: EventProgress, Progress: &p})
	}
}
