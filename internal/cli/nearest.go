package cli

import "strings"

// nearest is the name that a mistyped one may stand for: at most a third of its letters away, or beginning with it; empty when there is none.
func nearest(typed string, names []string) string {
	best, least := "", 1+len(typed)/3
	for _, n := range names {
		d := edits(typed, n)
		if len(typed) > 2 && (strings.HasPrefix(n, typed) || strings.HasPrefix(typed, n)) {
			d = min(d, 1)
		}
		if d < least || d == least && best == "" {
			best, least = n, d
		}
	}
	return best
}

// edits is the number of letters to put in, take out or change to make one word of the other.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
