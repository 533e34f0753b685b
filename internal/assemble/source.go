package assemble

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/layer"
)

const (
	// layoutPath is what makes a directory a registry directory.
	layoutPath = "docker/registry/v2"
	// maxEntries bounds what one context may hold.
	maxEntries = 1_000_000
)

// source is the context as the build file sees it: what the ignore file hides is not there, and the directory
// registry is a mark, since its content comes from elsewhere.
type source struct {
	root    *os.Root
	dir     string
	entries []entry // in the order of paths, a directory before what it holds
	index   map[string]int
	ignore  *ignore
	needs   bool // the image holds container images
	layout  bool // the context has a registry directory of its own
	brought bool // a COPY has brought the mark to /registry
	working bool // the working directory is another than /
}

// entry is a file, directory or link of the context.
type entry struct {
	path string
	mode fs.FileMode
	size int64
	mark bool // the place of the registry directory
}

// scan lists the context.
func scan(ctx context.Context, root *os.Root, dir string) (*source, error) {
	s := &source{root: root, dir: dir}
	var err error
	if s.ignore, err = readIgnore(root); err != nil {
		return nil, err
	}
	hidden := map[string]entry{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read context: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		return s.visit(name, hidden)
	})
	if err != nil {
		return nil, err
	}
	s.finish()
	return s, nil
}

// visit takes one path of the context.
func (s *source) visit(name string, hidden map[string]entry) error {
	info, err := s.root.Lstat(name)
	if err != nil {
		return fmt.Errorf("read context: %w", err)
	}
	if len(s.entries) >= maxEntries {
		return fmt.Errorf("read context: %s holds more than %d files", s.dir, maxEntries)
	}
	e := entry{path: name, mode: info.Mode(), size: info.Size()}
	if name == layer.Root && info.IsDir() {
		special, err := s.registryDir()
		if err != nil {
			return err
		}
		if special {
			return fs.SkipDir
		}
	}
	if s.ignore.hides(name) {
		hidden[name] = e
		if info.IsDir() && !s.ignore.reveals() {
			return fs.SkipDir
		}
		return nil
	}
	if info.IsDir() && (name == layoutPath || strings.HasSuffix(name, "/"+layoutPath)) {
		return misplaced(strings.TrimSuffix(strings.TrimSuffix(name, layoutPath), "/"))
	}
	s.reveal(path.Dir(name), hidden)
	s.entries = append(s.entries, e)
	return nil
}

// reveal shows the hidden directories above something that is shown.
func (s *source) reveal(dir string, hidden map[string]entry) {
	for ; ; dir = path.Dir(dir) {
		h, ok := hidden[dir]
		if !ok {
			return
		}
		s.entries = append(s.entries, h)
		delete(hidden, dir)
	}
}

// finish sorts the entries and puts the mark where the registry directory is, or would be.
func (s *source) finish() {
	if i := slices.IndexFunc(s.entries, func(e entry) bool { return e.path == layer.Root }); i < 0 && !s.ignore.hidesRegistry() {
		s.entries = append(s.entries, entry{path: layer.Root, mode: fs.ModeDir | 0o755, mark: true})
	}
	slices.SortFunc(s.entries, func(a, b entry) int { return layer.ComparePaths(a.path, b.path) })
	s.index = make(map[string]int, len(s.entries))
	for i, e := range s.entries {
		s.index[e.path] = i
	}
}

// registryDir looks at the directory registry of the context. It is special if it is empty or a registry directory.
func (s *source) registryDir() (special bool, err error) {
	if info, err := s.root.Stat(layer.Root + "/" + layoutPath); err == nil && info.IsDir() {
		s.layout = true
		return true, s.onlyLayout()
	}
	names, err := s.names(layer.Root)
	return len(names) == 0, err
}

// onlyLayout refuses anything beside the registry's own tree, since it would be lost.
func (s *source) onlyLayout() error {
	dir := layer.Root
	for want := range strings.SplitSeq(layoutPath, "/") {
		names, err := s.names(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if name != want {
				return fmt.Errorf("%s/%s is no part of a registry directory, which holds %s only: move it out of %s/", dir, name, layoutPath, layer.Root)
			}
		}
		dir += "/" + want
	}
	return nil
}

func (s *source) names(dir string) ([]string, error) {
	f, err := s.root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("read context: %w", err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read context: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// below gives the entries under a directory of the context.
func (s *source) below(dir string) []entry {
	if dir == "." {
		return s.entries
	}
	first := s.index[dir] + 1
	last := first
	for last < len(s.entries) && strings.HasPrefix(s.entries[last].path, dir+"/") {
		last++
	}
	return s.entries[first:last]
}

// find gives the entry that a path leads to, links followed as far as they stay in the context.
func (s *source) find(name string) (entry, error) {
	if name == "." {
		return entry{path: ".", mode: fs.ModeDir | 0o755}, nil
	}
	for range 40 {
		link, rest := s.firstLink(name)
		if link == "" {
			i, ok := s.index[name]
			if !ok {
				return entry{}, fs.ErrNotExist
			}
			return s.entries[i], nil
		}
		target, err := s.root.Readlink(link)
		if err != nil {
			return entry{}, err
		}
		next := path.Join(path.Dir(link), target, rest)
		if path.IsAbs(target) || !fs.ValidPath(next) {
			return entry{}, fmt.Errorf("link %s -> %s leads out of the context", link, target)
		}
		name = next
	}
	return entry{}, fmt.Errorf("too many links at %s", name)
}

// firstLink is the first part of a path that is a symbolic link, and what follows it.
func (s *source) firstLink(name string) (link, rest string) {
	for at := 0; at < len(name); at++ {
		end := strings.IndexByte(name[at:], '/')
		if end < 0 {
			end = len(name) - at
		}
		part := name[:at+end]
		if i, ok := s.index[part]; ok && s.entries[i].mode&fs.ModeSymlink != 0 {
			return part, strings.TrimPrefix(name[at+end:], "/")
		}
		at += end
	}
	return "", ""
}
