package registrydir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Prune removes everything from the registry directory at path that d does not have: tags first, then links, then blobs, then the directories that
// are empty without them, so that a run killed in between leaves no tag of an image that is gone. What lies beside docker/registry/v2 stays.
func (d *Dir) Prune(ctx context.Context, path string) error {
	if err := d.prune(ctx, path); err != nil {
		return fmt.Errorf("prune registry directory %s: %w", path, err)
	}
	return nil
}

func (d *Dir) prune(ctx context.Context, path string) error {
	unlock, err := lock(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	top, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer top.Close()
	w, err := openWriter(top, path)
	if err != nil {
		return err
	}
	return errors.Join(newPruner(w, d).run(ctx), w.close())
}

type pruner struct {
	*writer
	// keep are the files that stay and the directories that hold them.
	keep map[string]bool
	// tags are the directories of stale tags, links and blobs the stale files, dirs the stale directories, each before what it holds.
	tags, links, blobs, dirs []string
}

func newPruner(w *writer, d *Dir) *pruner {
	p := &pruner{writer: w, keep: map[string]bool{".": true, partialDir: true}}
	for f := range d.Files() {
		for name := strings.TrimPrefix(f.Path, Root+"/"); !p.keep[name]; name = path.Dir(name) {
			p.keep[name] = true
		}
	}
	return p
}

func (p *pruner) run(ctx context.Context) error {
	err := fs.WalkDir(p.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || p.keep[name] {
			return err
		}
		return p.sort(name, e)
	})
	if err != nil {
		return err
	}
	for _, tag := range p.tags {
		if err := p.root.Rename(tag, p.partial()); err != nil {
			return err
		}
	}
	slices.Reverse(p.dirs)
	for _, name := range slices.Concat(p.links, p.blobs, p.dirs) {
		if err := p.root.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// sort puts something stale where it belongs. A tag goes as a whole.
func (p *pruner) sort(name string, e fs.DirEntry) error {
	switch {
	case e.IsDir() && strings.HasSuffix(path.Dir(name), "/"+manifestsDir+"/tags"):
		p.tags = append(p.tags, name)
		return fs.SkipDir
	case e.IsDir():
		p.dirs = append(p.dirs, name)
	case strings.HasPrefix(name, blobsDir+"/"):
		p.blobs = append(p.blobs, name)
	default:
		p.links = append(p.links, name)
	}
	return nil
}
