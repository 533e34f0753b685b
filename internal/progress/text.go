package progress

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// colours are the control sequences that colour text (ECMA-48, SGR). They are dropped, since programs use them freely.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// printable writes control characters (and those that turn the direction of text) as escapes, so that foreign text cannot steer a terminal.
func printable(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	var b strings.Builder
	for _, c := range colours.ReplaceAllString(s, "") {
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

// oneLine puts blanks in the place of whatever ends a line or moves to a column.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return ' '
		}
		return c
	}, s)
}

// fit cuts a text to so many columns; an ellipsis shows that something is missing.
func fit(s string, columns int) string {
	used, cut := 0, 0
	for i, c := range s {
		if used+wide(c) > columns {
			return s[:cut] + "…"
		}
		if used+wide(c) < columns {
			cut = i + len(string(c))
		}
		used += wide(c)
	}
	return s
}

// wide is how many columns a character takes: two for those of East Asia, none for a mark that joins the one before it.
func wide(c rune) int {
	if unicode.Is(unicode.Mn, c) {
		return 0
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
