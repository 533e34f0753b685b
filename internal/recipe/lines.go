package recipe

import (
	"bytes"
	"strings"
	"sync"
	"unicode"

	"github.com/labring-actions/cluster-image/internal/progress"
)

// maxLine bounds a line, in bytes; what is longer is cut into lines.
const maxLine = 4 << 10

// lines takes the output of a program, tells it line by line and keeps the last lines.
type lines struct {
	source   string
	reporter *progress.Reporter

	mu   sync.Mutex
	open []byte
	last []string
}

func newLines(source string, reporter *progress.Reporter) *lines {
	return &lines{source: source, reporter: reporter}
}

// Write takes output as it comes.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := b; len(rest) > 0; {
		room := min(len(rest), maxLine-len(l.open))
		i := bytes.IndexByte(rest[:room], '\n')
		if i < 0 {
			l.open, rest = append(l.open, rest[:room]...), rest[room:]
			if len(l.open) == maxLine {
				l.tell()
			}
			continue
		}
		l.open, rest = append(l.open, rest[:i]...), rest[i+1:]
		l.tell()
	}
	return len(b), nil
}

// tell ends the open line. Of a line that was drawn over again and again, as download meters do, the last state counts.
func (l *lines) tell() {
	line := strings.TrimRight(string(l.open), "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	l.open = l.open[:0]
	line = printable(line)
	l.reporter.Output(l.source, line)
	if l.last = append(l.last, line); len(l.last) > maxLines {
		l.last = l.last[1:]
	}
}

// flush ends the output and gives the last lines that have anything in them.
func (l *lines) flush() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) > 0 {
		l.tell()
	}
	var out []string
	for _, line := range l.last {
		if strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return out
}

// printable replaces what could move a terminal's cursor or hide text.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || unicode.IsPrint(c) {
			return c
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
}
