package render

import (
	"iter"
	"strings"
)

// Split yields the documents of a YAML text with the line, counted from 1, where each begins. A document begins with its --- line where it has
// one. As for helm and kubectl, every line that begins with --- separates, even one that YAML itself would not take for a separator: ---# text.
// Joined again they are the text.
func Split(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		line, first, start := 1, 1, 0
		for at := 0; at < len(text); line++ {
			end := lineEnd(text, at)
			if at > start && strings.HasPrefix(text[at:end], "---") {
				if !yield(first, text[start:at]) {
					return
				}
				first, start = line, at
			}
			at = end
		}
		if start < len(text) {
			yield(first, text[start:])
		}
	}
}

// lineEnd is the offset behind the line that begins at the offset at.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}
