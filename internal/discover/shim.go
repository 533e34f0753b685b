package discover

import (
	"errors"
	"fmt"
	"strings"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// shim reads the lists of images/shim: every file, an image per line.
func (s *search) shim() {
	s.each("images/shim", func(name string) {
		text, ok := s.read(name)
		if !ok {
			return
		}
		if strings.ContainsRune(text, 0) {
			s.fail(&Problem{File: name, Err: errors.New("it is no list of images: every file of images/shim has to be one, an image per line")})
			return
		}
		shimLines(text, func(line int, image string, err error) {
			if err != nil {
				s.fail(&Problem{File: name, Line: line, Err: err})
				return
			}
			s.add(Origin{File: name, Line: line, Kind: kindShim, Text: image})
		})
	})
}

// shimLines calls found for every image of a list.
func shimLines(text string, found func(line int, image string, err error)) {
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		n++
		image := shimLine(line)
		if image == "" {
			continue
		}
		found(n, image, checkShim(image))
	}
}

// shimLine is the image of a line: trimmed, without a comment behind it and one pair of quotes; empty for a blank line and a comment.
func shimLine(line string) string {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		return ""
	}
	if i := strings.Index(strings.ReplaceAll(line, "\t", " "), " #"); i >= 0 {
		line = strings.TrimSpace(line[:i])
	}
	return strings.TrimSpace(unquote(line))
}

func checkShim(image string) error {
	for _, prefix := range []string{"containers-storage:", "docker-daemon:"} {
		if name, ok := strings.CutPrefix(image, prefix); ok {
			return fmt.Errorf("%s is in the storage of one machine: push %s to a registry and name it as it is there, or save it as images/skopeo/FILE.tar and add the line docker-archive:FILE.tar@REPOSITORY:TAG to images/skopeo/tar.txt", image, name)
		}
	}
	if rest, ok := strings.CutPrefix(image, "docker://"); ok {
		return fmt.Errorf("%s: write %s, without docker://", image, rest)
	}
	_, err := reference.Parse(image)
	return err
}
