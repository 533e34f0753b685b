package discover

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDocument is the largest YAML document that is decoded, in bytes.
const maxDocument = 16 << 20

// errDocument says that a document cannot be decoded.
var errDocument = errors.New("not YAML")

// decode reads one document. Aliases are not expanded. A document of comments is nil.
func decode(text string) (*yaml.Node, error) {
	text = strings.TrimPrefix(text, "\uFEFF")
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

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// reason takes the line out of an error of the YAML library and counts it from the file's first line.
func reason(err error, first int) (line int, message string) {
	message = err.Error()
	line = first
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = strings.TrimPrefix(message, m[0])
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = first + n - 1
		}
	}
	return line, message
}
