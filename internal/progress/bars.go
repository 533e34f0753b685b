package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	// shownFlights and shownSteps bound the height of what is redrawn, since a terminal cannot be moved back above its upper edge.
	shownFlights = 5
	shownSteps   = 3
	// usualWidth is taken when the terminal does not say how wide it is.
	usualWidth = 80
	barWidth   = 30
)

// Control sequences of ECMA-48: what every terminal since the VT100 knows.
const (
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
	cursorUp   = "\x1b[%dA"
)

// bars draws a few lines at the lower end of what was written and redraws them in place. Each redraw is one write without an empty state in
// between, so that nothing flickers.
type bars struct {
	out   io.Writer
	width func() int
	drawn int
	area  []string
}

func newBars(out io.Writer, width func() int) *bars {
	if width == nil {
		width = func() int { return columns(out) }
	}
	return &bars{out: out, width: width}
}

// columns asks the terminal for its width.
func columns(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return usualWidth
}

func (b *bars) interval() time.Duration { return 100 * time.Millisecond }

// event writes what stays, above what is redrawn. The begin of a step is seen in the latter.
func (b *bars) event(e Event) {
	if s := sentence(e); s != "" {
		b.draw(strings.Split(s, "\n"), b.area)
	}
}

func (b *bars) refresh(p Progress) {
	b.area = b.layout(p, b.width()-1)
	b.draw(nil, b.area)
}

func (b *bars) close() { b.draw(nil, nil) }

// draw puts the lines that stay where the area was, and the area below them.
func (b *bars) draw(stay, area []string) {
	if len(stay)+len(area)+b.drawn == 0 {
		return
	}
	var w bytes.Buffer
	if b.drawn > 0 {
		fmt.Fprintf(&w, cursorUp, b.drawn)
	}
	for _, lines := range [][]string{stay, area} {
		for _, line := range lines {
			w.WriteString(line + clearLine + "\r\n")
		}
	}
	w.WriteString(clearBelow)
	b.drawn = len(area)
	_, _ = b.out.Write(w.Bytes())
}

// layout is what is under way, each line at most so many columns wide: steps, bars, transfers.
func (b *bars) layout(p Progress, width int) []string {
	var area []string
	for _, s := range p.Steps[max(0, len(p.Steps)-shownSteps):] {
		area = append(area, fit(strings.TrimSpace(s.Name+" "+oneLine(s.Detail))+"  "+Duration(seconds(s.Seconds)), width))
	}
	for _, m := range p.Moving {
		area = append(area, fit(m.bar(width), width))
	}
	for _, f := range p.InFlight[:min(len(p.InFlight), shownFlights)] {
		area = append(area, f.line(width))
	}
	if more := len(p.InFlight) - shownFlights; more > 0 {
		area = append(area, fit(fmt.Sprintf("    and %d more", more), width))
	}
	return area
}

// bar is the movement as a bar and figures. On a narrow terminal the bar is left out.
func (m Movement) bar(width int) string {
	s := fmt.Sprintf("%3d%%  %s of %s", m.percent(), Bytes(m.Bytes), Bytes(m.OfBytes))
	if m.Rate > 0 {
		s += "  " + Rate(m.Rate)
	}
	if m.Left > 0 {
		s += "  " + Duration(seconds(m.Left)) + " left"
	}
	head := fmt.Sprintf("  %-5s ", m.Kind)
	if room := min(barWidth, width-len(head)-len(s)-3); room >= 10 {
		head += gauge(m.percent(), room) + " "
	}
	return head + s
}

// gauge draws a share of a hundred in so many columns and two brackets.
func gauge(percent, room int) string {
	full := room * percent / 100
	s := strings.Repeat("=", full)
	if full < room {
		s += ">" + strings.Repeat(" ", room-full-1)
	}
	return "[" + s + "]"
}

// line names a transfer and says how far it is; the name is cut short rather than the figures.
func (f Flight) line(width int) string {
	figures := "  " + Bytes(f.Bytes)
	if f.Total > 0 {
		figures += " of " + Bytes(f.Total)
	}
	return fit(fit("    "+f.Kind.String()+" "+oneLine(f.Name), width-len(figures))+figures, width)
}
