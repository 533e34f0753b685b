package app

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeAll gives the roots of all documents of a YAML file.
func decodeAll(b []byte) ([]*yaml.Node, error) {
	var out []*yaml.Node
	for dec := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
		out = append(out, doc.Content...)
	}
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntaxFault says what keeps a file from being YAML, and in which line. The parser often names the line where what it was in began, or the one before,
// so that the line is looked for: it is the first after which nothing makes the file whole again.
func syntaxFault(b []byte, err error) Fault {
	f := Fault{Line: 1, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(f.Message); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Message = strings.TrimPrefix(f.Message, m[0])
	}
	if f.Message != "could not find expected ':'" { // of this the parser knows the line
		f.Line = brokenLine(b, f.Line)
	}
	f.Message += hint(f.Message)
	return f
}

// maxLookedFor is how many lines a file has at most in which the one that is wrong is looked for.
const maxLookedFor = 1000

// brokenLine is the one behind the longest beginning of a file that is YAML.
func brokenLine(b []byte, otherwise int) int {
	lines := bytes.SplitAfter(b, []byte("\n"))
	if len(lines) > maxLookedFor {
		return otherwise
	}
	for n := len(lines) - 1; n > 0; n-- {
		if _, err := decodeAll(bytes.Join(lines[:n], nil)); err == nil {
			return n + 1
		}
	}
	return 1
}

// hint says what was meant, probably.
func hint(message string) string {
	switch message {
	case "mapping values are not allowed in this context":
		return "; a text with a colon and a blank in it needs quotes, and keys of one mapping begin in the same column"
	case "found character that cannot start any token", "found a tab character that violates indentation":
		return "; YAML is indented by blanks, never by a tab, and a text that begins with @, ` or % needs quotes"
	case "did not find expected key":
		return "; what begins with { or a quote ends with it: put quotes around the whole text"
	case "could not find expected ':'":
		return "; a key is followed by a colon and a blank"
	}
	return ""
}
