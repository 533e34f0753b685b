package progress

import (
	"fmt"
	"strings"
	"unicode"
)

// printable writes control characters (and those that turn the direction of text) as escapes, so that foreign text cannot steer a terminal.
func printable(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if steers(c) {
			fmt.Fprintf(&b, "\\u%04x", c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

func steers(c rune) bool {
	return c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c))
}
