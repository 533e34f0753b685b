package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/labring-actions/cluster-image/internal/render"
)

// maxDepth is how deep directories and archives in archives may be nested.
const maxDepth = 32

// budget is what a chart may still take.
type budget struct {
	bytes int64
	files int
	all   render.Limits
}

func newBudget(l render.Limits) *budget {
	return &budget{bytes: l.ChartSize, files: l.ChartFiles, all: l}
}

// read takes one file from r.
func (b *budget) read(name string, r io.Reader) ([]byte, error) {
	if b.files--; b.files < 0 {
		return nil, fmt.Errorf("it has more than %d files", b.all.ChartFiles)
	}
	data, err := io.ReadAll(io.LimitReader(r, b.bytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if b.bytes -= int64(len(data)); b.bytes < 0 {
		return nil, fmt.Errorf("unpacked it is larger than %d MiB", b.all.ChartSize>>20)
	}
	return bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), nil
}

// load reads the files of a chart, those of its subcharts among them, archives unpacked.
func load(root *os.Root, chart string, l render.Limits) ([]*archive.BufferedFile, error) {
	info, err := root.Stat(chart)
	if err != nil {
		return nil, inside(chart, err)
	}
	b := newBudget(l)
	var files []*archive.BufferedFile
	if info.IsDir() {
		files, err = loadDir(root, chart, b)
	} else {
		files, err = loadArchive(root, chart, b)
	}
	if err != nil {
		return nil, err
	}
	return unpack(files, b, 0)
}

// inside explains the refusal of a link that leads out.
func inside(name string, err error) error {
	if strings.Contains(err.Error(), "escapes from parent") {
		return fmt.Errorf("%s is a link that leads out of the build context", name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist", name)
	}
	if errors.Is(err, syscall.ELOOP) {
		return fmt.Errorf("%s is a link that leads back to itself", name)
	}
	return err
}

func loadArchive(root *os.Root, name string, b *budget) ([]*archive.BufferedFile, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, inside(name, err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is neither a directory nor a file", name)
	}
	return untar(f, b)
}

type walker struct {
	root  *os.Root
	top   string
	rules *ignore.Rules
	b     *budget
	files []*archive.BufferedFile
}

func loadDir(root *os.Root, dir string, b *budget) ([]*archive.BufferedFile, error) {
	rules, err := ignoreRules(root, path.Join(dir, ignore.HelmIgnore))
	if err != nil {
		return nil, err
	}
	w := &walker{root: root, top: dir, rules: rules, b: b}
	if err := w.dir("", 0); err != nil {
		return nil, err
	}
	return w.files, nil
}

func ignoreRules(root *os.Root, name string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	f, err := root.Open(name)
	switch {
	case err == nil:
		defer func() { _ = f.Close() }()
		if rules, err = ignore.Parse(io.LimitReader(f, 1<<20)); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, inside(name, err)
	}
	rules.AddDefaults()
	return rules, nil
}

// dir reads a directory of the chart; links are followed as long as they stay in the build context.
func (w *walker) dir(rel string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s is nested deeper than %d directories (a link to a directory above itself?)", rel, maxDepth)
	}
	d, err := w.root.Open(path.Join(w.top, rel))
	if err != nil {
		return inside(path.Join(w.top, rel), err)
	}
	names, err := d.Readdirnames(w.b.all.ChartFiles + 1)
	_ = d.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read directory %s: %w", rel, err)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.entry(path.Join(rel, name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(rel string, depth int) error {
	full := path.Join(w.top, rel)
	link, err := w.root.Lstat(full)
	if err != nil {
		return inside(full, err)
	}
	if w.rules.Ignore(rel, link) {
		return nil
	}
	info, err := w.root.Stat(full)
	switch {
	case err != nil:
		return inside(full, err)
	case w.rules.Ignore(rel, info):
		return nil
	case info.IsDir():
		return w.dir(rel, depth+1)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", full)
	}
	f, err := w.root.Open(full)
	if err != nil {
		return inside(full, err)
	}
	defer func() { _ = f.Close() }()
	data, err := w.b.read(full, f)
	if err != nil {
		return err
	}
	w.files = append(w.files, &archive.BufferedFile{Name: rel, ModTime: info.ModTime(), Data: data})
	return nil
}
