package recipe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// The files of a recipe that mean something to a program.
const (
	scriptFile    = "init.sh"
	archFile      = "build_arch"
	mirrorsFile   = "mirrors.txt"
	uncheckedFile = "unchecked.txt"
)

// maxSettings bounds the small files of a recipe, in bytes.
const maxSettings = 64 << 10

// architectures are the names that build_arch may hold: those that Go gives to Linux machines which Kubernetes runs on.
const architectures = "amd64 arm64 arm ppc64le s390x riscv64 386 loong64"

// readSmall reads one of the small files; a missing one is empty.
func readSmall(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	limit := maxSettings
	if name == app.File {
		limit = app.MaxSize
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return b, nil
}

// readPlatforms reads build_arch: architectures, parted by blanks, lines or commas.
func (r *Recipe) readPlatforms(b []byte) error {
	for _, arch := range strings.FieldsFunc(string(b), func(c rune) bool { return strings.ContainsRune(" ,\t\r\n", c) }) {
		if !slices.Contains(strings.Fields(architectures), arch) {
			return fmt.Errorf("%s: unknown architecture %q: known are %s", archFile, arch, strings.ReplaceAll(architectures, " ", ", "))
		}
		if p := "linux/" + arch; !slices.Contains(r.Platforms, p) {
			r.Platforms = append(r.Platforms, p)
		}
	}
	return nil
}

func (r *Recipe) readMirrors(b []byte) error {
	ms, err := ParseMirrors(b)
	if err != nil {
		return fmt.Errorf("%s: %w", mirrorsFile, err)
	}
	r.Mirrors = ms
	return nil
}

// ParseMirrors reads mirrors.txt: one PREFIX=PREFIX a line, each followed by # and the reason for it, for example
//
//	docker.io/bitnami=docker.io/bitnamilegacy  # the versioned images moved there in 2025
//
// Empty lines and lines that hold a comment alone mean nothing.
func ParseMirrors(b []byte) (reference.Mirrors, error) {
	var ms reference.Mirrors
	err := eachLine(b, func(text, reason string) error {
		m, err := reference.ParseMirror(text)
		if err != nil {
			return err
		}
		m.Reason = reason
		ms = append(ms, m)
		return nil
	})
	return ms, err
}

// exemption is a pattern of paths that are not judged after init.sh, and why.
type exemption struct{ pattern, reason string }

// readUnchecked reads unchecked.txt: one path.Match pattern a line, each followed by # and the reason for it. A pattern that names a directory
// stands for all in it.
func (r *Recipe) readUnchecked(b []byte) error {
	err := eachLine(b, func(text, reason string) error {
		if _, err := path.Match(text, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", text, err)
		}
		r.unchecked = append(r.unchecked, exemption{pattern: strings.TrimSuffix(text, "/"), reason: reason})
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", uncheckedFile, err)
	}
	return nil
}

// eachLine calls do with each line that says something and with the reason behind its #, which it must have.
func eachLine(b []byte, do func(text, reason string) error) error {
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		text, reason, _ := strings.Cut(line, "#")
		text, reason = strings.TrimSpace(text), strings.TrimSpace(reason)
		if text == "" {
			continue
		}
		if reason == "" {
			return fmt.Errorf("line %d: %q has no reason: add it behind a #", n, text)
		}
		if err := do(text, reason); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// exempt says whether a path, or a directory above it, is one that unchecked.txt names.
func (r Recipe) exempt(name string) bool {
	for p := name; p != "."; p = path.Dir(p) {
		for _, e := range r.unchecked {
			if ok, err := path.Match(e.pattern, p); ok && err == nil {
				return true
			}
		}
	}
	return false
}
