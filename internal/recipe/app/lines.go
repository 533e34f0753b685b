package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Lines says where a mapping stands in its file and where each of its keys does. Lines count from one.
type Lines struct {
	Line int
	keys map[string]int
}

// Of is the line of a key; that of the mapping when the key is not there.
func (l Lines) Of(key string) int {
	if n := l.keys[key]; n > 0 {
		return n
	}
	return l.Line
}

// Has says whether the mapping has the key.
func (l Lines) Has(key string) bool { return l.keys[key] > 0 }

// Fault is something wrong in an app.yaml.
type Fault struct {
	// Line is where, counted from one; zero when the file as a whole is meant.
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

func (f Fault) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", File, f.Message)
	}
	return fmt.Sprintf("%s:%d: %s", File, f.Line, f.Message)
}

// Faults is everything that is wrong in an app.yaml, in the order of its lines.
type Faults []Fault

func (f Faults) Error() string {
	var lines []string
	for _, one := range f {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// err sorts the faults; nil when there are none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortFunc(f, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message)) })
	return slices.Compact(f)
}
