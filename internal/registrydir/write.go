package registrydir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/disk"
)

// Write puts the directory at path, which it makes where it is missing. Blobs come first, by hard links where the content can, then the links, the
// tags last, and each file appears complete or not at all: a run killed at any moment shows no half image, and the next one goes on.
//
// A file that is there already stays as it is. So does what else the directory holds, other images and the tags of an earlier run, as in any
// registry; a tag that both have is pointed at the new manifest. [Dir.Prune] takes away the rest. One run at a time writes to a directory, others
// wait.
func (d *Dir) Write(ctx context.Context, path string) error {
	if err := d.write(ctx, path); err != nil {
		return fmt.Errorf("write registry directory %s: %w", path, d.explain(err, path))
	}
	return nil
}

// explain adds to an error that says that there is no room how much of the directory is still to be written.
func (d *Dir) explain(err error, path string) error {
	const flag = "--registry-dir"
	var full *disk.SpaceError
	if err = disk.Explain(err, path, 0, flag); !errors.As(err, &full) {
		return err
	}
	return &disk.SpaceError{Dir: path, Need: d.lacking(path), Free: disk.Free(path), Flag: flag, Err: full.Err}
}

// lacking is the bytes of the files that are not at path yet.
func (d *Dir) lacking(path string) (n int64) {
	for f := range d.Files() {
		if info, err := os.Lstat(filepath.Join(path, filepath.FromSlash(f.Path))); err != nil || info.Size() != f.Size {
			n += f.Size
		}
	}
	return n
}

func (d *Dir) write(ctx context.Context, path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	w, err := newWriter(path)
	if err != nil {
		return err
	}
	return errors.Join(w.dir(ctx, d), w.close())
}

// writer puts files below Root. Each is made in partialDir and renamed to its place.
type writer struct {
	root *os.Root
	path string
	// made counts the names in partialDir.
	made atomic.Int64
}

func newWriter(path string) (*writer, error) {
	top, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	if err := top.MkdirAll(Root, 0o755); err != nil {
		return nil, err
	}
	return openWriter(top, path)
}

// openWriter goes down to Root, which exists, and clears away what a killed run left.
func openWriter(top *os.Root, path string) (*writer, error) {
	if err := checkRoot(top.FS()); err != nil {
		return nil, err
	}
	root, err := top.OpenRoot(Root)
	if err != nil {
		return nil, err
	}
	w := &writer{root: root, path: filepath.Join(path, filepath.FromSlash(Root))}
	if err := errors.Join(root.RemoveAll(partialDir), root.Mkdir(partialDir, 0o755)); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return w, nil
}

func (w *writer) close() error {
	return errors.Join(w.root.RemoveAll(partialDir), w.root.Close())
}

// partial is a name for something that is not finished.
func (w *writer) partial() string {
	return partialDir + "/" + strconv.FormatInt(w.made.Add(1), 36)
}

func (w *writer) dir(ctx context.Context, d *Dir) error {
	if err := w.blobs(ctx, d); err != nil {
		return err
	}
	names := d.names()
	for _, name := range names {
		for l := range d.repos[name].contentLinks(name) {
			if err := w.link(ctx, l); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		for _, t := range d.repos[name].tagNames() {
			if err := w.tag(ctx, name, t, d.repos[name].tags[t]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) blobs(ctx context.Context, d *Dir) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for h := range d.sortedBlobs() {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			if inner.Err() != nil {
				return inner.Err()
			}
			return w.blob(h, d.blobs[h])
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// blob exports a blob and moves it to its place. A file of its size that is there already stays.
func (w *writer) blob(h v1.Hash, b blob) error {
	name := blobPath(h)
	if there, err := w.has(name, b.size); there || err != nil {
		return err
	}
	partial := w.partial()
	if err := b.from.Export(h, filepath.Join(w.path, filepath.FromSlash(partial))); err != nil {
		return fmt.Errorf("blob %s: %w", h, err)
	}
	info, err := w.root.Lstat(partial)
	switch {
	case err != nil:
		return fmt.Errorf("blob %s: %w", h, err)
	case info.Size() != b.size:
		return fmt.Errorf("blob %s: %d bytes came where %d are right", h, info.Size(), b.size)
	}
	return w.place(partial, name)
}

func (w *writer) place(partial, name string) error {
	if err := w.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return w.root.Rename(partial, name)
}

// has tells whether a regular file of that size is there. Anything else but a regular file is in the way.
func (w *writer) has(name string, size int64) (bool, error) {
	info, err := w.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s/%s is not a regular file: remove it", Root, name)
	}
	return info.Size() == size, nil
}

// link writes a link file, unless it says the same already.
func (w *writer) link(ctx context.Context, l link) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := l.to.String()
	there, err := w.has(l.path, int64(len(text)))
	if err != nil {
		return err
	}
	if there {
		have, err := w.root.ReadFile(l.path)
		if err != nil || string(have) == text {
			return err
		}
	}
	partial := w.partial()
	if err := w.root.WriteFile(partial, []byte(text), 0o644); err != nil {
		return err
	}
	return w.place(partial, l.path)
}

// tag makes a new tag's directory whole before it appears, since registries list a tag by its directory.
func (w *writer) tag(ctx context.Context, name, tagName string, t *tag) error {
	dir := tagDir(name, tagName)
	info, err := w.root.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return w.newTag(ctx, name, tagName, t)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s/%s is not a directory: remove it", Root, dir)
	}
	for _, h := range t.index.sorted() {
		if err := w.link(ctx, link{indexLink(name, tagName, h), h}); err != nil {
			return err
		}
	}
	return w.link(ctx, link{currentLink(name, tagName), t.current})
}

func (w *writer) newTag(ctx context.Context, name, tagName string, t *tag) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	dir, partial := tagDir(name, tagName), w.partial()
	for l := range t.links(name, tagName) {
		to := partial + l.path[len(dir):]
		if err := w.root.MkdirAll(path.Dir(to), 0o755); err != nil {
			return err
		}
		if err := w.root.WriteFile(to, []byte(l.to.String()), 0o644); err != nil {
			return err
		}
	}
	return w.place(partial, dir)
}
