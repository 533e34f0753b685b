package assemble

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/moby/patternmatcher"
)

// apply does one COPY, ADD or WORKDIR.
func (s *source) apply(t *tree, c kubefile.Copy) error {
	dest := strings.Trim(c.Dest, "/")
	if c.Makes {
		return blame(c, t.mkdir(dest, c))
	}
	exclude, err := patternmatcher.New(c.Exclude)
	if err != nil {
		return blame(c, fmt.Errorf("--exclude: %w", err))
	}
	var found []match
	for _, pattern := range c.Sources {
		matches, err := s.matches(pattern)
		if err != nil {
			return blame(c, err)
		}
		found = append(found, matches...)
	}
	into := strings.HasSuffix(c.Dest, "/") || t.isDir(dest)
	if len(found)+len(c.Inline) > 1 && !into {
		return blame(c, fmt.Errorf("several files for one destination: write %s/", c.Dest))
	}
	one := copying{source: s, tree: t, copy: c, dest: dest, into: into, exclude: exclude}
	for _, e := range found {
		if err := one.take(e); err != nil {
			return blame(c, err)
		}
	}
	for _, h := range c.Inline {
		if err := one.inline(h); err != nil {
			return blame(c, err)
		}
	}
	return nil
}

// blame puts the line of the build file before an error.
func blame(c kubefile.Copy, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s:%d: %s: %w", c.File, c.Line, c.Text, err)
}

// match is what a source of COPY means: an entry, and the name under which it was found, which may be that of a link.
type match struct {
	entry
	base string
}

// matches gives the entries that a source of COPY means.
func (s *source) matches(pattern string) ([]match, error) {
	name := strings.TrimPrefix(path.Clean("/"+pattern), "/")
	if name == "" {
		name = "."
	}
	if e, err := s.find(name); !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(name, `*?[\`) {
		if errors.Is(err, fs.ErrNotExist) {
			err = s.missing(pattern, name)
		}
		return []match{{e, path.Base(name)}}, err
	}
	var found []match
	for _, e := range s.entries {
		ok, err := path.Match(name, e.path)
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", pattern, err)
		}
		if !ok {
			continue
		}
		target, err := s.find(e.path)
		if err != nil {
			return nil, err
		}
		found = append(found, match{target, path.Base(e.path)})
	}
	if len(found) == 0 {
		return nil, s.missing(pattern, name)
	}
	return found, nil
}

// missing says why there is nothing to copy.
func (s *source) missing(pattern, name string) error {
	if name == layer.Root && s.ignore.hidesRegistry() {
		return s.hiddenRegistry()
	}
	if s.ignore.hides(name) {
		return fmt.Errorf("%s is hidden by %s", pattern, s.ignore.name)
	}
	return fmt.Errorf("%s is not in the build context: correct the name, or let the download step make it", pattern)
}

// copying is one COPY while it is done.
type copying struct {
	*source
	tree    *tree
	copy    kubefile.Copy
	dest    string
	into    bool // the destination is a directory
	exclude *patternmatcher.PatternMatcher
}

// take copies a file, or the content of a directory.
func (c *copying) take(e match) error {
	switch {
	case e.mark:
		return c.mark(c.dest)
	case !e.mode.IsDir():
		return c.file(e)
	}
	if err := c.tree.mkdir(c.dest, c.copy); err != nil {
		return err
	}
	for _, inner := range c.below(e.path) {
		rel := inner.path
		if e.path != "." {
			rel = strings.TrimPrefix(inner.path, e.path+"/")
		}
		if c.excluded(rel) {
			continue
		}
		if err := c.put(path.Join(c.dest, rel), inner); err != nil {
			return err
		}
	}
	return nil
}

// file copies a single file.
func (c *copying) file(e match) error {
	if c.excluded(e.base) {
		return nil
	}
	if c.copy.Unpack && e.mode.IsRegular() {
		if err := c.notArchive(e.entry); err != nil {
			return err
		}
	}
	return c.put(c.target(e.base), e.entry)
}

// target is where a single file goes.
func (c *copying) target(base string) string {
	if c.into {
		return path.Join(c.dest, base)
	}
	return c.dest
}

func (c *copying) excluded(rel string) bool {
	hidden, err := c.exclude.MatchesOrParentMatches(rel)
	return hidden && err == nil
}

// put brings one entry to its place in the image.
func (c *copying) put(target string, e entry) error {
	switch {
	case e.mark:
		return c.mark(target)
	case e.mode.IsDir():
		return c.tree.put(target, item{mode: modeOf(e.mode, c.copy.Mode), by: c.copy})
	case e.mode&fs.ModeSymlink != 0:
		link, err := c.link(target, e)
		if err != nil {
			return err
		}
		return c.tree.put(target, item{mode: modeOf(e.mode, nil), link: link, by: c.copy})
	case !e.mode.IsRegular():
		return fmt.Errorf("%s is a %s: an image holds files, directories and links", e.path, special(e.mode))
	}
	return c.tree.put(target, item{mode: modeOf(e.mode, c.copy.Mode), size: e.size, file: e.path, by: c.copy})
}

func special(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// link reads a symbolic link, which has to stay in the context and in the image.
func (c *copying) link(target string, e entry) (string, error) {
	to, err := c.root.Readlink(e.path)
	if err != nil {
		return "", fmt.Errorf("read link: %w", err)
	}
	if path.IsAbs(to) {
		return "", fmt.Errorf("link %s -> %s is absolute, and on a node would lead to the node's own files: make it relative", e.path, to)
	}
	for _, at := range []string{e.path, target} {
		if !fs.ValidPath(path.Join(path.Dir(at), to)) {
			return "", fmt.Errorf("link %s -> %s leads out of the context or the image", e.path, to)
		}
	}
	return to, nil
}

// inline writes a file that the build file itself brings.
func (c *copying) inline(h kubefile.Inline) error {
	m := modeOf(0o644, c.copy.Mode)
	return c.tree.put(c.target(path.Base(h.Name)), item{mode: m, size: int64(len(h.Content)), text: h.Content, by: c.copy})
}
