package app

import (
	"regexp"
	"strings"
)

func (l ImageList) find(content []byte) ([]string, error) {
	switch {
	case l.Match != "":
		return l.matches(content)
	case l.Path != "":
		return l.values(content)
	}
	return imageLines(content), nil
}

func (l ImageList) matches(content []byte) ([]string, error) {
	re, err := regexp.Compile(l.Match)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range re.FindAllSubmatch(content, -1) {
		out = append(out, string(m[1]))
	}
	return out, nil
}

func (l ImageList) values(content []byte) ([]string, error) {
	path, err := ParsePath(l.Path)
	if err != nil {
		return nil, err
	}
	docs, err := Documents(content)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range docs {
		for _, n := range Find(d, path) {
			if n.Value != "" {
				out = append(out, n.Value)
			}
		}
	}
	return out, nil
}

// imageLines are the lines of a list, without comments, quotes and what makes a line an element of a YAML list.
func imageLines(content []byte) []string {
	var out []string
	for line := range strings.Lines(string(content)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		line = strings.Trim(strings.TrimSpace(strings.TrimPrefix(line, "- ")), `"'`)
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}
