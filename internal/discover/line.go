package discover

import "strings"

// lineLimit is where sealos cuts a line.
const lineLimit = 4096

// scanLines calls found for everything that sealos' line scanner takes for an image: what follows the first "image:" of a line that is no
// comment, without one pair of quotes. It knows no YAML, so that whatever it finds is a maybe.
func scanLines(text string, found func(line int, value string)) {
	for n := 1; text != ""; n++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		for len(line) > lineLimit {
			scanLine(line[:lineLimit], n, found)
			line = line[lineLimit:]
		}
		scanLine(line, n, found)
	}
}

func scanLine(line string, n int, found func(int, string)) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		return
	}
	_, value, ok := strings.Cut(line, "image:")
	if !ok {
		return
	}
	if value = unquote(strings.TrimSpace(value)); value != "" {
		found(n, value)
	}
}

// unquote takes one pair of matching quotes away.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
