package grammar

import (
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/spelling"
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
		if d := spelling.Distance(word, f.word); d < least {
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
