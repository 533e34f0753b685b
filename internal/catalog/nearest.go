package catalog

import (
	"cmp"
	"slices"
	"strings"
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
		edits := distance(name, n)
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

// distance is the number of bytes to insert, remove, replace or swap with a neighbour to make one text of the other.
func distance(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+btoi(a[i-1] != b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}
