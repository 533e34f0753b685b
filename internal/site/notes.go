package site

import (
	"html/template"
	"regexp"
	"strings"
)

// mark is what a note may have inside a paragraph: code, and a link to a page.
var mark = regexp.MustCompile("`[^`\n]+`|\\[[^][\n]+\\]\\(https://[^()\\s\"'<>]+\\)")

// notes shows what a recipe says further: the paragraphs, code and links of Markdown. Whatever else it has stays text.
func notes(text string) template.HTML {
	var b strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n\n") {
		block = strings.Trim(block, "\n")
		switch {
		case strings.TrimSpace(block) == "":
		case indented(block):
			b.WriteString("<pre><code>" + template.HTMLEscapeString(strings.TrimPrefix(strings.ReplaceAll(block, "\n    ", "\n"), "    ")) + "</code></pre>\n")
		default:
			b.WriteString("<p>" + inline(block) + "</p>\n")
		}
	}
	return template.HTML(b.String())
}

// indented says that every line of a block stands four blanks in: it is code.
func indented(block string) bool {
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(line, "    ") {
			return false
		}
	}
	return true
}

func inline(text string) string {
	var b strings.Builder
	for {
		at := mark.FindStringIndex(text)
		if at == nil {
			b.WriteString(template.HTMLEscapeString(text))
			return b.String()
		}
		b.WriteString(template.HTMLEscapeString(text[:at[0]]))
		b.WriteString(marked(text[at[0]:at[1]]))
		text = text[at[1]:]
	}
}

func marked(text string) string {
	if code, ok := strings.CutPrefix(text, "`"); ok {
		return "<code>" + template.HTMLEscapeString(strings.TrimSuffix(code, "`")) + "</code>"
	}
	words, address, _ := strings.Cut(strings.TrimSuffix(text[1:], ")"), "](")
	return `<a href="` + template.HTMLEscapeString(address) + `">` + template.HTMLEscapeString(words) + "</a>"
}
