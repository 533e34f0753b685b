package registrydir

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// ErrNotRegistry says that a directory holds no docker/registry/v2.
var ErrNotRegistry = errors.New("not a registry directory")

// maxDefects bounds what is remembered of a directory that is broken everywhere.
const maxDefects = 1000

// Defect is one thing wrong with a registry directory.
type Defect struct {
	// Where is a file below the registry directory, or a repository and its tag or digest.
	Where string
	// Problem says what is wrong there.
	Problem string
}

// String is the defect in one line.
func (d Defect) String() string { return d.Where + ": " + d.Problem }

// DefectsError lists every defect that was found, a thousand at most.
type DefectsError struct{ Defects []Defect }

func (e *DefectsError) Error() string {
	if len(e.Defects) == 1 {
		return e.Defects[0].String()
	}
	lines := make([]string, len(e.Defects))
	for i, d := range e.Defects {
		lines[i] = "\n  " + d.String()
	}
	return fmt.Sprintf("%d defects:%s", len(e.Defects), strings.Join(lines, ""))
}

// defects collects what is wrong, from many goroutines.
type defects struct {
	mu   sync.Mutex
	list []Defect
}

func (d *defects) add(where, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.list) < maxDefects {
		d.list = append(d.list, Defect{Where: where, Problem: fmt.Sprintf(format, args...)})
	}
}

// err is nil without a defect.
func (d *defects) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.list) == 0 {
		return nil
	}
	list := slices.Clone(d.list)
	slices.SortStableFunc(list, func(a, b Defect) int { return strings.Compare(a.Where, b.Where) })
	return &DefectsError{Defects: slices.Compact(list)}
}
