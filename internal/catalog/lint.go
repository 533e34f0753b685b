package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Finding is something that lint has to say about a place in the catalogue.
type Finding struct {
	// Path begins with the catalogue's directory where it is one; Line counts from one and is zero when the whole of it is meant.
	Path string `json:"path"`
	Line int    `json:"line,omitempty"`
	// Level is LevelError or LevelNotice.
	Level   string `json:"level"`
	Message string `json:"message"`
}

// The levels: an error keeps the recipe from being built or makes it wrong, a notice is what somebody should know.
const (
	LevelError  = "error"
	LevelNotice = "notice"
)

func (f Finding) String() string {
	place := f.Path
	if f.Line > 0 {
		place += fmt.Sprintf(":%d", f.Line)
	}
	return fmt.Sprintf("%s: %s: %s", place, f.Level, f.Message)
}

// Lint looks at the recipes of the applications with these names, or of all, without any network. The error is about the catalogue as a whole, such as
// a name that is not in it.
func (c *Catalog) Lint(names []string) ([]Finding, error) {
	l := &linter{Catalog: c}
	if len(names) > 0 {
		for _, name := range names {
			if _, err := c.versions(name); err != nil {
				return nil, err
			}
			if err := l.application(name); err != nil {
				return nil, err
			}
		}
		return l.findings, nil
	}
	entries, err := fs.ReadDir(c.fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", c.origin, err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") { // .git and the like are no applications
			continue
		}
		if err := CheckName(e.Name()); err != nil {
			l.add(e.Name(), 0, LevelError, "nobody can ask for it: %v", err)
			continue
		}
		if err := l.application(e.Name()); err != nil {
			return nil, err
		}
	}
	return l.findings, nil
}

// byPlace orders findings by where they are.
func byPlace(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
}

type linter struct {
	*Catalog
	findings []Finding
}

func (l *linter) add(path string, line int, level, format string, args ...any) {
	l.findings = append(l.findings, Finding{Path: filepath.Join(l.dir, path), Line: line, Level: level, Message: fmt.Sprintf(format, args...)})
}

// application looks at the directories of one application.
func (l *linter) application(name string) error {
	entries, err := fs.ReadDir(l.fsys, name)
	if err != nil {
		return fmt.Errorf("read recipe %s: %w", name, err)
	}
	var dirs []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := CheckVersion(e.Name()); err != nil {
			l.add(path.Join(name, e.Name()), 0, LevelError, "nobody can ask for it: %v", err)
			continue
		}
		dirs = append(dirs, e.Name())
	}
	if len(dirs) == 0 {
		l.add(name, 0, LevelError, "it has no directory of any version")
	}
	l.twice(name, dirs)
	for _, dir := range dirs {
		before := len(l.findings)
		if err := l.directory(name, dir); err != nil {
			return err
		}
		slices.SortStableFunc(l.findings[before:], byPlace)
	}
	return nil
}

// twice finds directories that are one and the same to somebody who asks.
func (l *linter) twice(name string, dirs []string) {
	contents := map[string]string{}
	for _, dir := range dirs {
		if rest, ok := strings.CutPrefix(dir, "v"); ok && slices.Contains(dirs, rest) {
			l.add(path.Join(name, dir), 0, LevelError, "it is the same version as the directory %s", rest)
		}
		text := l.contents(name, dir)
		if first, same := contents[text]; same && text != "" {
			l.add(path.Join(name, dir), 0, LevelError, "its files are those of the directory %s: keep one of them", first)
		}
		contents[text] = dir
	}
}

// contents is the text by which a directory is compared with another; empty when it cannot be read, which is said elsewhere.
func (l *linter) contents(name, dir string) string {
	var out strings.Builder
	err := fs.WalkDir(l.fsys, path.Join(name, dir), func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(l.fsys, p)
		fmt.Fprintf(&out, "%q %q\n", strings.TrimPrefix(p, path.Join(name, dir)), b)
		return err
	})
	if err != nil {
		return ""
	}
	return out.String()
}

func (l *linter) directory(name, dir string) error {
	at := path.Join(name, dir)
	b, err := fs.ReadFile(l.fsys, path.Join(at, app.File))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.classic(name, dir)
	case err != nil:
		return fmt.Errorf("read recipe %s: %w", at, err)
	}
	a, err := app.Decode(b)
	var faults app.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			l.add(path.Join(at, app.File), f.Line, LevelError, "%s", f.Message)
		}
		return nil
	}
	l.declarative(name, dir, a)
	return nil
}
