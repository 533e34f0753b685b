package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/spelling"
)

// maxNearest is how many names an error offers.
const maxNearest = 3

// nearest gives the names that a mistyped one may stand for: those a few edits away and those that hold it or are held by it, the nearest first.
func nearest(name string, names []string) []string {
	type candidate struct {
		name  string
		edits int
	}
	var found []candidate
	for _, n := range names {
		edits := spelling.Distance(name, n)
		if edits <= 1+len(name)/4 || len(name) > 2 && strings.Contains(n, name) || len(n) > 2 && strings.Contains(name, n) {
			found = append(found, candidate{n, edits})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, f := range found[:min(len(found), maxNearest)] {
		out = append(out, f.name)
	}
	return out
}
