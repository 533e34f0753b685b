package discover

import (
	"strings"

	"github.com/labring-actions/cluster-image/internal/render"
)

// scanDocuments decodes the documents of a text and walks them. It returns the first that cannot be decoded, by line and reason; the others are
// walked all the same.
func scanDocuments(text string, d *document, w where) (line int, message string) {
	for first, doc := range render.Split(text) {
		sub := *d
		sub.base.Line += first - 1
		sub.visits, sub.seen = 0, map[visit]bool{}
		n, err := decode(doc)
		if err != nil {
			if message == "" {
				line, message = reason(doc, err, sub.base.Line)
			}
			continue
		}
		if n == nil {
			continue
		}
		sub.walk(n, w)
		if sub.visits > maxVisits && message == "" {
			line, message = sub.base.Line, "the document grows too large when its aliases are followed"
		}
	}
	return line, message
}

// scanText decodes a text and runs the line scanner over it as well.
func (f *finds) scanText(text string, base Origin) (line int, message string) {
	base.Line = max(base.Line, 1)
	line, message = scanDocuments(text, &document{finds: f, base: base}, where{})
	f.scanLines(text, base)
	return line, message
}

// scanLines adds what only sealos' scanner sees.
func (f *finds) scanLines(text string, base Origin) {
	first := max(base.Line, 1)
	scanLines(text, func(n int, value string) {
		if strings.Contains(value, placeholder) {
			return
		}
		o := base
		o.Line, o.Kind, o.Maybe, o.Text = first+n-1, kindLine, true, value
		f.add(o)
	})
}
