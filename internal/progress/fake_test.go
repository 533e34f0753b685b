package progress_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs\n--- got\n%s\n--- want\n%s", path, got, want)
	}
}

// clock stands still until it is moved, and never ticks by itself.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Ticks(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// terminal understands what a real one does with the few control sequences that are used, and keeps the widest line it was ever given.
type terminal struct {
	rows   []string
	row    int
	writes int
	widest int
}

func (s *terminal) Write(p []byte) (int, error) {
	s.writes++
	for b := p; len(b) > 0; {
		b = b[s.take(b):]
	}
	return len(p), nil
}

// take reads one control sequence, newline or text, and gives its length.
func (s *terminal) take(b []byte) int {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, "")
	}
	var up int
	switch {
	case bytes.HasPrefix(b, []byte("\x1b[K")):
		return 3
	case bytes.HasPrefix(b, []byte("\x1b[J")):
		s.rows = s.rows[:s.row]
		return 3
	case b[0] == '\x1b':
		if n, _ := fmt.Sscanf(string(b), "\x1b[%dA", &up); n != 1 || up > s.row {
			panic(fmt.Sprintf("unknown control sequence or above the edge (row %d): %q", s.row, b))
		}
		s.row -= up
		return bytes.IndexByte(b, 'A') + 1
	case bytes.HasPrefix(b, []byte("\r\n")):
		s.row++
		return 2
	}
	end := bytes.IndexAny(b, "\x1b\r")
	s.rows[s.row] = string(b[:end])
	s.widest = max(s.widest, len([]rune(s.rows[s.row])))
	return end
}

func (s *terminal) screen() string { return strings.Join(s.rows, "\n") + "\n" }
