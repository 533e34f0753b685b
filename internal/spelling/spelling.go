// Package spelling finds the word that a mistyped one stands for.
package spelling

import "strings"

// Distance is the number of bytes to insert, remove, replace or swap with a neighbour to make one text of the other.
func Distance(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}

// Meant is the word that a mistyped one may stand for, capitals aside: at most a third of its letters and one more away, or beginning with it, or the
// beginning of it. It is empty when there is none.
func Meant(typed string, words []string) string {
	lower := strings.ToLower(typed)
	best, least := "", 2+len(typed)/3
	for _, w := range words {
		d := Distance(lower, strings.ToLower(w))
		if len(typed) > 2 && (strings.HasPrefix(w, typed) || strings.HasPrefix(typed, w)) {
			d = min(d, 1)
		}
		if d < least {
			best, least = w, d
		}
	}
	return best
}
