package assemble

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/layer"
)

// tree is what the image will hold besides the registry directory, by path.
type tree struct {
	items    map[string]item
	warnings []string
}

// item is a file, directory or link of the image.
type item struct {
	mode fs.FileMode
	size int64
	file string // path in the context
	text string // content, where there is no file
	link string
	by   kubefile.Copy
}

func newTree() *tree { return &tree{items: map[string]item{}} }

// isDir says whether the image has a directory there; it always has its root.
func (t *tree) isDir(name string) bool {
	it, ok := t.items[name]
	return name == "" || ok && it.mode.IsDir()
}

// mkdir makes a directory and those above it.
func (t *tree) mkdir(name string, by kubefile.Copy) error {
	if name == "" {
		return nil
	}
	if it, ok := t.items[name]; ok {
		if it.mode.IsDir() {
			return nil
		}
		return fmt.Errorf("/%s cannot be a directory: line %d makes it a %s", name, it.by.Line, it.what())
	}
	if parent := path.Dir(name); parent != "." {
		if err := t.mkdir(parent, by); err != nil {
			return err
		}
	}
	t.items[name] = item{mode: fs.ModeDir | 0o755, by: by}
	return nil
}

// put places an item; a file takes the place of a file.
func (t *tree) put(name string, it item) error {
	if name == "" || name == "." {
		if it.mode.IsDir() {
			return nil
		}
		return fmt.Errorf("a file cannot take the place of the image's root")
	}
	if parent := path.Dir(name); parent != "." {
		if err := t.mkdir(parent, it.by); err != nil {
			return err
		}
	}
	old, ok := t.items[name]
	if ok && old.mode.IsDir() != it.mode.IsDir() {
		return fmt.Errorf("/%s cannot be a %s: line %d makes it a %s", name, it.what(), old.by.Line, old.what())
	}
	t.items[name] = it
	return nil
}

func (it item) what() string {
	switch {
	case it.mode.IsDir():
		return "directory"
	case it.link != "":
		return "symbolic link"
	}
	return "file"
}

// names are the paths of the image in order.
func (t *tree) names() []string { return slices.SortedFunc(maps.Keys(t.items), layer.ComparePaths) }

// entries are the entries of the application's layer. Their files are opened through root.
func (t *tree) entries(root *os.Root, seconds int64) []layer.Entry {
	var out []layer.Entry
	for _, name := range t.names() {
		it := t.items[name]
		out = append(out, layer.Entry{Path: name, Mode: it.mode, Size: it.size, Link: it.link, ModTime: seconds, Open: it.opener(root)})
	}
	return out
}

func (it item) opener(root *os.Root) func() (io.ReadCloser, error) {
	if it.file == "" {
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(it.text)), nil }
	}
	return func() (io.ReadCloser, error) { return root.Open(it.file) }
}
