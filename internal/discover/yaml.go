package discover

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDocument is the largest YAML document that is decoded, in bytes.
const maxDocument = 16 << 20

// errDocument says that a document cannot be decoded.
var errDocument = errors.New("not YAML")

// decode reads one document. Aliases are not expanded. A document of comments is nil.
func decode(text string) (*yaml.Node, error) {
	text = strings.TrimPrefix(text, "\uFEFF")
	if rest, ok := strings.CutPrefix(text, "---"); ok {
		text = "--- " + rest // helm and kubectl take ---# for a separator as well
	}
	if empty(text) {
		return nil, nil
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("the document has %d MiB, at most %d MiB are read", len(text)>>20, maxDocument>>20)
	}
	var n yaml.Node
	err := unmarshal(text, &n)
	if err != nil && json.Valid([]byte(text)) {
		// JSON may be indented with tabs, which stand in no string of it.
		err = unmarshal(strings.ReplaceAll(text, "\t", " "), &n)
	}
	if err != nil || n.Kind == 0 {
		return nil, err
	}
	return &n, nil
}

func unmarshal(text string, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errDocument, r)
		}
	}()
	return yaml.Unmarshal([]byte(text), n)
}

// empty says whether a document has nothing but its marker, comments and directives.
func empty(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && line != "..." && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// parserError is an error whose line the library counts from 0; those of its scanner are counted from 1.
	parserError = regexp.MustCompile(`^did not find expected (<|node content|'-' indicator|key|',')`)
)

// reason takes the line out of an error of the YAML library and counts it from the file's first line.
func reason(text string, err error, first int) (line int, message string) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return first, err.Error()
	}
	message = strings.TrimPrefix(err.Error(), m[0])
	n, _ := strconv.Atoi(m[1])
	switch {
	case n == 0:
		n = unreadable(text)
	case parserError.MatchString(message):
		n++
	}
	return first + max(n, 1) - 1, message
}

// unreadable is the line of the first character that YAML does not allow, counted from 1.
func unreadable(text string) int {
	n := 1
	for line := range strings.Lines(text) {
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\r\n", r) || r == 0x7f }) {
			return n
		}
		n++
	}
	return 1
}
