package discover

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// ignoreFile lists images that are not wanted.
const ignoreFile = ".sealignore"

// ignore takes the needs out that a line of .sealignore names, spelled in full, as it stands in a file, or without what Docker adds.
func (s *search) ignore(needs []Need) (kept, ignored []Need) {
	if _, err := s.root.Stat(ignoreFile); errors.Is(err, fs.ErrNotExist) {
		return needs, nil
	}
	text, ok := s.read(ignoreFile)
	if !ok {
		return needs, nil
	}
	unused := map[string]int{}
	n := 0
	for line := range strings.Lines(text) {
		if n++; shimLine(line) != "" {
			unused[shimLine(line)] = n
		}
	}
	listed := make(map[string]int, len(unused))
	for l, n := range unused {
		listed[l] = n
	}
	for _, need := range needs {
		line := need.ignoredBy(listed)
		if line == "" {
			kept = append(kept, need)
			continue
		}
		delete(unused, line)
		ignored = append(ignored, need)
	}
	for l, n := range unused {
		s.warn(ignoreFile, n, "%s is none of the images that were found", l)
	}
	return kept, ignored
}

// ignoredByPattern says whether a line that ends in * stands for the need.
func (n Need) ignoredByPattern(line string, spellings []string) bool {
	prefix, ok := strings.CutSuffix(line, "*")
	return ok && prefix != "" && slices.ContainsFunc(spellings, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// ignoredBy is the line that names the need, or empty.
func (n Need) ignoredBy(listed map[string]int) string {
	tagged := n.Ref
	if tagged.Tag != "" {
		tagged.Digest = ""
	}
	spellings := []string{n.Ref.String(), tagged.String(), strings.TrimSuffix(tagged.String(), ":latest")}
	for _, o := range n.Origins {
		spellings = append(spellings, o.Text)
	}
	for _, s := range spellings {
		if _, ok := listed[s]; ok {
			return s
		}
	}
	for l := range listed {
		if n.ignoredByPattern(l, spellings) {
			return l
		}
		if ref, err := reference.Parse(l); err == nil && (ref == n.Ref || ref == tagged) {
			return l
		}
	}
	return ""
}
