package grammar

import (
	"slices"
	"strings"
)

// nearest is the form that a first word in lower case is meant to be: the same parts in another order, or a few letters away.
func nearest(word string) (form, bool) {
	for _, f := range forms {
		if parts(f.word) == parts(word) {
			return f, true
		}
	}
	best, least := form{}, 4
	for _, f := range forms {
		if d := distance(word, f.word); d < least {
			best, least = f, d
		}
	}
	return best, least < 4
}

// parts are the parts of a command word, in one order for all.
func parts(word string) string {
	p := strings.FieldsFunc(word, func(r rune) bool { return r == '_' || r == '-' || r == '/' })
	slices.Sort(p)
	return strings.Join(p, "_")
}

// distance is the number of bytes to insert, remove or replace to make one text of the other.
func distance(a, b string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, change)
		}
		last = row
	}
	return last[len(b)]
}
