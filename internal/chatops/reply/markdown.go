// Package reply writes the answers: one comment for each request. What a build or a person wrote is put where Markdown makes nothing of it: no mention,
// no link, no image, no HTML, no fence of its own.
package reply

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limit is the most characters that GitHub takes for a comment.
const Limit = 65536

// room is what a comment may have in bytes: characters are never more than bytes.
const room = Limit - 512

// invisible stands behind an at sign, so that no name follows it even where a mail shows the text without its fence.
const invisible = "\u200b"

// Plain makes text harmless inside of code: what steers a terminal or hides is written as an escape, and nobody is mentioned.
func Plain(s string) string { return plain(s, "") }

// plain leaves the characters as they are that are ours.
func plain(s, ours string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case ours != "" && strings.ContainsRune(ours, r):
			b.WriteRune(r)
		case r == utf8.RuneError:
			b.WriteRune('?')
		case r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)):
			fmt.Fprintf(&b, "\\u%04x", r)
		case r == '@' && !(ours == "" && strings.HasPrefix(s[i:], "@sha256:")): // a digest stays what can be copied
			b.WriteString("@" + invisible)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Block puts text into a fence that nothing in it can end, and keeps its last bytes if it has more than so many.
func Block(text string, most int) string {
	text = cut(strings.TrimRight(Plain(text), "\n"), most)
	fence := strings.Repeat("`", max(3, longest(text, '`')+1))
	return fence + "text\n" + text + "\n" + fence + "\n"
}

// Code puts one line of text into a code span, with apostrophes for back quotes.
func Code(text string) string {
	text = strings.NewReplacer("\n", " ", "\t", " ", "|", " ", "`", "'").Replace(Plain(text))
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// longest is the longest run of a character.
func longest(s string, of rune) int {
	most, run := 0, 0
	for _, r := range s {
		if run++; r != of {
			run = 0
		}
		most = max(most, run)
	}
	return most
}

// Text writes a sentence of ours that quotes others, so that it is shown as it is. An address in it becomes no link.
func Text(s string) string {
	s = unlinked(s)
	var b strings.Builder
	for _, r := range plain(strings.ReplaceAll(s, "\n", " "), invisible) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]#|~!$", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unlinked breaks addresses, so that none becomes a link.
func unlinked(s string) string {
	return strings.NewReplacer("://", ":"+invisible+"//", "www.", "www"+invisible+".").Replace(s)
}

// cut keeps the end of a text of many lines: that is where an error is.
func cut(text string, bytes int) string {
	const mark = "(the beginning is left out)\n"
	if len(text) <= bytes {
		return text
	}
	text = text[len(text)-max(0, bytes-len(mark)):]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return mark + strings.ToValidUTF8(text, "")
}
