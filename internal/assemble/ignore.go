package assemble

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// ignoreFiles are looked for in this order, as buildah does.
var ignoreFiles = []string{".containerignore", ".dockerignore"}

// maxIgnore bounds an ignore file in bytes.
const maxIgnore = 1 << 20

// ignore is what an ignore file hides.
type ignore struct {
	name    string
	text    []byte
	matcher *patternmatcher.PatternMatcher
}

func readIgnore(root *os.Root) (*ignore, error) {
	for _, name := range ignoreFiles {
		f, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read ignore file: %w", err)
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxIgnore+1))
		if err != nil {
			return nil, fmt.Errorf("read ignore file: %w", err)
		}
		if len(text) > maxIgnore {
			return nil, fmt.Errorf("read ignore file: %s has more than %d bytes", name, maxIgnore)
		}
		m, err := compile(text)
		if err != nil {
			return nil, fmt.Errorf("read ignore file: %s: %w", name, err)
		}
		return &ignore{name: name, text: text, matcher: m}, nil
	}
	return &ignore{}, nil
}

func compile(text []byte) (*patternmatcher.PatternMatcher, error) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

func (i *ignore) hides(name string) bool {
	if i.matcher == nil {
		return false
	}
	hidden, err := i.matcher.MatchesOrParentMatches(name)
	return hidden && err == nil
}

// reveals says that something below a hidden directory may be shown again.
func (i *ignore) reveals() bool { return i.matcher != nil && i.matcher.Exclusions() }

// registrySample is what must be seen for the registry directory to be whole.
const registrySample = layer.Root + "/" + layoutPath + "/blobs"

func (i *ignore) hidesRegistry() bool { return i.hides(registrySample) }

// registryLine is the number of the last line that hides the registry directory, and the line.
func (i *ignore) registryLine() (int, string) {
	number, text := 0, ""
	for n, line := range bytes.Split(i.text, []byte("\n")) {
		m, err := compile(line)
		if err != nil || len(m.Patterns()) == 0 {
			continue
		}
		if one := (&ignore{matcher: m}); one.hidesRegistry() {
			number, text = n+1, string(bytes.TrimSpace(line))
		}
	}
	return number, text
}
