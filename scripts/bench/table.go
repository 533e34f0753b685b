package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// write prints the report as a Markdown table, or as JSON.
func (r *report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	var s strings.Builder
	r.head(&s)
	s.WriteString(grid(r.cells()))
	r.foot(&s)
	_, err := io.WriteString(out, s.String())
	return err
}

func (r *report) head(s *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(s, "%s, %d cores, %s, %s; %s; load %s before, %s after\n\n", m.Processor, m.Cores, m.System, m.Go, m.Registry, m.LoadBefore, m.LoadAfter)
	for _, t := range r.Tools {
		if t.Skipped != "" {
			fmt.Fprintf(s, "- %s: skipped, %s\n", t.Name, t.Skipped)
		} else {
			fmt.Fprintf(s, "- %s: %s\n", t.Name, t.Version)
		}
	}
	if r.Unique > 0 {
		fmt.Fprintf(s, "\n10 images for 2 platforms, %.0f MB unique. slow: %s each request, %.0f MB/s each connection. Medians of %d runs.\n", mb(r.Unique), r.Latency, mb(r.Rate), r.Runs)
	}
	s.WriteByte('\n')
}

func (r *report) cells() [][]string {
	out := [][]string{{"job", "tool", "time", "range", "ours is", "CPU", "peak memory", "received", "sent", "requests", "disk", "content"}}
	last := ""
	for _, w := range r.byCase() {
		name := w.Case
		if name == last {
			name = ""
		}
		last = w.Case
		out = append(out, append([]string{name}, r.line(w)...))
	}
	return out
}

// byCase brings together the rows of a case, whenever they were measured.
func (r *report) byCase() []*row {
	first := func(name string) int { return slices.IndexFunc(r.Rows, func(w *row) bool { return w.Case == name }) }
	rows := slices.Clone(r.Rows)
	slices.SortStableFunc(rows, func(a, b *row) int { return cmp.Compare(first(a.Case), first(b.Case)) })
	return rows
}

func (r *report) line(w *row) []string {
	if len(w.good()) == 0 {
		first, _, _ := strings.Cut(w.failure(), "\n")
		return []string{w.Tool, "failed", first, "", "", "", "", "", "", "", ""}
	}
	cells := []string{w.Tool, fmt.Sprintf("%.2f s", w.wall().Seconds()), w.span(), r.times(w), fmt.Sprintf("%.2f s", w.cpu().Seconds()), fmt.Sprintf("%.0f MiB", mib(w.peak()))}
	cells = append(cells, w.onWire()...)
	return append(cells, size(w.Disk), w.verdict())
}

// span is the fastest and the slowest run, and how many failed.
func (w *row) span() string {
	good := w.good()
	low, high := good[0].Wall, good[0].Wall
	for _, s := range good {
		low, high = min(low, s.Wall), max(high, s.Wall)
	}
	text := fmt.Sprintf("%.2f–%.2f", low.Seconds(), high.Seconds())
	if failed := len(w.Samples) - len(good); failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	return text
}

func (r *report) times(w *row) string {
	o := r.find(w.Case, ours)
	if o == nil || w == o || w.ratio(o) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1fx", w.ratio(o))
}

func (w *row) onWire() []string {
	if w.Wire == nil {
		return []string{"", "", ""}
	}
	return []string{fmt.Sprintf("%.1f MB", mb(w.Wire.Received)), fmt.Sprintf("%.1f MB", mb(w.Wire.Sent)), fmt.Sprint(w.Wire.Requests)}
}

func (w *row) verdict() string {
	if w.Same {
		return "same"
	}
	return ""
}

func size(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MB", mb(n))
}

func (r *report) foot(s *strings.Builder) {
	if len(r.Targets) == 0 {
		return
	}
	s.WriteByte('\n')
	cells := [][]string{{"target", "measured", ""}}
	for _, t := range r.Targets {
		cells = append(cells, []string{t.Text, t.Measured, map[bool]string{true: "held", false: "MISSED"}[t.Held]})
	}
	s.WriteString(grid(cells))
}

// grid writes cells as a table; the first line is the heading.
func grid(cells [][]string) string {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(c), 3)
		}
	}
	var s strings.Builder
	for n, line := range cells {
		for i, c := range line {
			fmt.Fprintf(&s, "| %s%s ", c, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)))
		}
		s.WriteString("|\n")
		if n > 0 {
			continue
		}
		for _, w := range widths {
			s.WriteString("|" + strings.Repeat("-", w+2))
		}
		s.WriteString("|\n")
	}
	return s.String()
}
