package start

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxImages is how many images and manifests of a start command are kept.
const maxImages = 256

// Manifest is what a start command gives kubectl apply, create or replace: a file or directory of the build context, or a text in a script.
type Manifest struct {
	// Path is within the build context, with slashes; empty for a text.
	Path string
	// Text begins in the line Line of the script File. Its variables have their defaults.
	Text string
	File string
	Line int
	// Conditional is as of [Invocation].
	Conditional bool
}

// Image is an image that a call of kubectl names: kubectl run --image, kubectl create deployment --image, kubectl set image.
type Image struct {
	// Where, File and Line are as in [Invocation].
	Where string
	File  string
	Line  int
	// Text is the argument as it is after expansion.
	Text string
}

// kubectl looks at a call of kubectl. What follows two dashes is the command of the container.
func (s *shell) kubectl(args []string, line int) {
	if c := parse(args); len(c.positional) > 0 && slices.Contains([]string{"apply", "create", "replace"}, c.positional[0]) {
		for _, list := range c.all("-f", "--filename") {
			for name := range strings.SplitSeq(list, ",") {
				s.applied(name)
			}
		}
	}
	sets := false
	for i, a := range args {
		name, value, joined := strings.Cut(a, "=")
		before := ""
		if i > 0 {
			before = args[i-1]
		}
		switch {
		case a == "--":
			return
		case a == "image" && before == "set":
			sets = true
		case name == "--image" && joined:
			s.image(value, line)
		case before == "--image":
			s.image(a, line)
		case sets && joined && !strings.HasPrefix(a, "-") && !takesValue(before) && before != "--selector":
			s.image(value, line)
		}
	}
}

func (s *shell) image(text string, line int) {
	if len(s.images) < maxImages {
		s.images = append(s.images, Image{Where: s.where(line), File: s.file, Line: line, Text: text})
	}
}

// applied keeps a manifest of the context. Those of manifests/ are looked at anyway.
func (s *shell) applied(name string) {
	p, ok := s.local(name)
	if top, _, _ := strings.Cut(p, "/"); ok && top != "." && top != "manifests" && top != "charts" && s.exists(p) {
		s.manifest(Manifest{Path: p, Conditional: s.branch > 0})
	}
}

// inline keeps a text of a script that is a manifest, whether it goes to kubectl or to a file that kubectl gets.
func (s *shell) inline(text string, at *syntax.Word) {
	if at != nil && s.file != "" && strings.Contains(text, "apiVersion:") && strings.Contains(text, "kind:") {
		s.manifest(Manifest{Text: text, File: s.file, Line: int(at.Pos().Line()), Conditional: s.branch > 0})
	}
}

func (s *shell) manifest(m Manifest) {
	if len(s.manifests) < maxImages {
		s.manifests = append(s.manifests, m)
	}
}
