package app

import (
	"fmt"
	"regexp"
	"strings"
)

// placeholder is a word in braces. What is written ${word} or {{word}} means something to others, and \{word} is the text {word}.
var placeholder = regexp.MustCompile(`(\\|\$|\{)?\{([a-z][a-z0-9-]*(?:\.[a-z-]+)?)\}(\})?`)

// Expand fills in placeholders. The error names those that lookup does not know.
func Expand(text string, lookup func(name string) (string, error)) (string, error) {
	var failed error
	out := replaceEach(text, func(name string) string {
		value, err := lookup(name)
		if err != nil && failed == nil {
			failed = fmt.Errorf("%q: {%s}: %w", text, name, err)
		}
		return value
	})
	return out, failed
}

func replaceEach(text string, value func(name string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		switch {
		case m[1] == `\`:
			return found[1:]
		case m[1] != "":
			return found
		}
		return value(m[2]) + m[3]
	})
}

// placeholders are the names that a text uses.
func placeholders(text string) []string {
	var out []string
	replaceEach(text, func(name string) string {
		out = append(out, name)
		return ""
	})
	return out
}

// Uses says whether a text has the placeholder.
func Uses(text, name string) bool { return contains(placeholders(text), name) }

// The placeholders that every recipe has.
func fixedPlaceholders() []string {
	return []string{"name", "version", "version-bare", "version-v", "major", "minor", "patch", "arch"}
}

// known are the placeholders of a recipe. Those of a source are known to what comes after it.
func (a *App) known(sources int) []string {
	out := fixedPlaceholders()
	for _, r := range a.Resolve {
		out = append(out, r.Key, r.Key+"-bare")
	}
	for _, s := range a.Sources[:sources] {
		if name := s.ID(); name != "" && s.Kind() == KindChart {
			out = append(out, name+".version", name+".app-version")
		}
	}
	return out
}

// ID is what placeholders call a source: its name, or that of its chart.
func (s *Source) ID() string {
	if s.Name != "" {
		return s.Name
	}
	if s.IsIndexed() {
		return s.Chart
	}
	if s.IsOCI() {
		return s.Chart[strings.LastIndexByte(s.Chart, '/')+1:]
	}
	return ""
}
