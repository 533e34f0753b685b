package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/render"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"a":                           "1:a",
		"---\na\n---\nb\n":            "1:---\\na\\n 3:---\\nb\\n",
		"a\n--- b\n---c\n---":         "1:a\\n 2:--- b\\n 3:---c\\n 4:---",
		"a: |\n  ---\r\n---\r\nb\r\n": "1:a: |\\n  ---\\r\\n 3:---\\r\\nb\\r\\n",
	} {
		var got []string
		var all strings.Builder
		for line, doc := range render.Split(text) {
			got = append(got, fmt.Sprintf("%d:%s", line, strings.Trim(fmt.Sprintf("%q", doc), `"`)))
			all.WriteString(doc)
		}
		if strings.Join(got, " ") != want || all.String() != text {
			t.Errorf("%q: got %s, want %s", text, strings.Join(got, " "), want)
		}
	}
}
