package discover

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// maxOrigins is how many places of one image are kept.
const maxOrigins = 64

// maxWarnings is how many warnings are kept.
const maxWarnings = 1000

// finds collects what is found, from any number of goroutines.
type finds struct {
	mu       sync.Mutex
	needs    map[reference.Reference]*Need
	warnings map[Warning]bool
	problems []error
}

func newFinds() *finds {
	return &finds{needs: map[reference.Reference]*Need{}, warnings: map[Warning]bool{}}
}

// add takes a place that names an image. It is false when the text is no reference.
func (f *finds) add(o Origin) bool {
	ref, err := reference.Parse(o.Text)
	if err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.needs[ref]
	if n == nil {
		n = &Need{Ref: ref, Maybe: true}
		f.needs[ref] = n
	}
	n.Maybe = n.Maybe && o.Maybe
	switch at := slices.IndexFunc(n.Origins, o.covered); {
	case at < 0 && len(n.Origins) < maxOrigins:
		n.Origins = append(n.Origins, o)
	case at < 0 && !o.Maybe && n.Origins[maxOrigins-1].Maybe:
		n.Origins[maxOrigins-1] = o
	case at >= 0 && n.Origins[at].Maybe && !o.Maybe:
		n.Origins[at] = o
	}
	return true
}

// covered says whether the other place is this one, seen in another way.
func (o Origin) covered(p Origin) bool {
	return o.File == p.File && o.Line == p.Line && (o.Path == p.Path || o.Kind == kindLine || p.Kind == kindLine)
}

func (f *finds) warn(file string, line int, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.warnings) < maxWarnings {
		f.warnings[Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...)}] = true
	}
}

func (f *finds) fail(p *Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems = append(f.problems, p)
}

// sorted is all needs by reference, their origins the sure ones first.
func (f *finds) sorted() []Need {
	var out []Need
	for _, n := range f.needs {
		slices.SortFunc(n.Origins, compareOrigins)
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Need) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
	return out
}

func compareOrigins(a, b Origin) int {
	return cmp.Or(compareBool(a.Maybe, b.Maybe), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path), strings.Compare(a.Kind, b.Kind))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (f *finds) sortedWarnings() []Warning {
	return slices.SortedFunc(maps.Keys(f.warnings), func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
	})
}
