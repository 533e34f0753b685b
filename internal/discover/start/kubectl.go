package start

import "strings"

// maxImages is how many images of a start command are kept.
const maxImages = 256

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
