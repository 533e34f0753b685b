package recipe

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/source"
)

// place copies a downloaded file to its place in the context, unpacked when it is a program packed by itself.
func (f *fetching) place(file string) error {
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read download: %w", err)
	}
	defer in.Close()
	var content io.Reader = bufio.NewReader(in)
	if f.Kind == app.KindBinary && strings.HasSuffix(f.Address, ".gz") {
		if content, err = source.Gunzip(content); err != nil {
			return err
		}
	}
	return f.write(f.To, f.Perm, content)
}

// write makes a file of the context, which nothing else may have made.
func (f *fetcher) write(name string, mode fs.FileMode, content io.Reader) error {
	name = filepath.FromSlash(name)
	if err := f.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	out, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: the recipe brings it, or another source", name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = io.Copy(out, content)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.root.Chmod(name, fileMode(mode, nil))
}

// unpack puts the picked entries of an archive into the context. Each pick must match something.
func (f *fetching) unpack(ctx context.Context, file string, picks app.Map[string], strip int) error {
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read download: %w", err)
	}
	defer in.Close()
	u := newUnpacking(f.fetcher, picks, strip)
	if err := source.Walk(ctx, in, u.item); err != nil {
		return fmt.Errorf("%s: %w", f.input.URL, err)
	}
	return u.missing(f.input.URL)
}

// unpacking is an archive or repository of which parts go into the context.
type unpacking struct {
	*fetcher
	picks app.Map[string]
	strip int
	used  []bool
	seen  []string
	// placed are the paths in the context by the paths inside, for entries that are the same file as another.
	placed map[string]string
}

func newUnpacking(f *fetcher, picks app.Map[string], strip int) *unpacking {
	return &unpacking{fetcher: f, picks: picks, strip: strip, used: make([]bool, len(picks)), placed: map[string]string{}}
}

// maxSeen is how many paths an error shows of what there is.
const maxSeen = 8

func (u *unpacking) item(i source.Item) error {
	inside, ok := stripped(i.Path, u.strip)
	if !ok {
		return nil
	}
	if top, _, _ := strings.Cut(inside, "/"); len(u.seen) < maxSeen && !slices.Contains(u.seen, top) {
		u.seen = append(u.seen, top)
	}
	for n, p := range u.picks {
		to, ok := pick(p.Key, p.Value, inside)
		if !ok {
			continue
		}
		u.used[n] = true
		return u.put(i, to)
	}
	return nil
}

func stripped(p string, n int) (string, bool) {
	for range n {
		_, rest, ok := strings.Cut(p, "/")
		if !ok {
			return "", false
		}
		p = rest
	}
	return p, true
}

// pick gives the path in the context of a path inside: the very one, one below it, or one that matches the pattern, which goes below.
func pick(from, to, inside string) (string, bool) {
	clean := strings.TrimSuffix(from, "/")
	switch {
	case clean == ".":
		return path.Join(to, inside), true
	case inside == clean && strings.HasSuffix(to, "/"):
		return path.Join(to, path.Base(inside)), true
	case inside == clean:
		return to, true
	case strings.HasPrefix(inside, clean+"/"):
		return path.Join(to, strings.TrimPrefix(inside, clean+"/")), true
	case !strings.ContainsAny(clean, "*?["):
		return "", false
	}
	for p := inside; p != "."; p = path.Dir(p) {
		if ok, err := path.Match(clean, p); ok && err == nil {
			return path.Join(to, path.Base(p), strings.TrimPrefix(inside, p)), true
		}
	}
	return "", false
}

func (u *unpacking) put(i source.Item, to string) error {
	u.placed[i.Path] = to
	switch {
	case i.Mode.IsDir():
		if err := u.root.MkdirAll(filepath.FromSlash(to), 0o755); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		return nil
	case i.Same != "":
		return u.same(i, to)
	case i.Mode&fs.ModeSymlink != 0:
		return u.symlink(i, to)
	}
	return u.write(to, i.Mode, i.Content)
}

// symlink makes a link that stays inside the context.
func (u *unpacking) symlink(i source.Item, to string) error {
	if inside := path.Join(path.Dir(to), i.Link); path.IsAbs(i.Link) || !filepath.IsLocal(inside) {
		return fmt.Errorf("the link %s leads out of the context, to %s", i.Path, i.Link)
	}
	if err := u.root.MkdirAll(filepath.FromSlash(path.Dir(to)), 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return u.root.Symlink(i.Link, filepath.FromSlash(to))
}

// same copies the entry before that this one is the same file as.
func (u *unpacking) same(i source.Item, to string) error {
	first, ok := u.placed[i.Same]
	if !ok {
		return fmt.Errorf("%s is the same file as %s, which is not picked", i.Path, i.Same)
	}
	in, err := u.root.Open(filepath.FromSlash(first))
	if err != nil {
		return fmt.Errorf("read %s: %w", first, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", first, err)
	}
	return u.write(to, info.Mode(), in)
}

func (u *unpacking) missing(where string) error {
	for n, used := range u.used {
		if !used {
			return fmt.Errorf("%w: %s has no %s; at its top there are %s", source.ErrSource, where, u.picks[n].Key, strings.Join(u.seen, ", "))
		}
	}
	return nil
}

// git takes parts of a commit. They are kept as one archive, so that the same commit need not be fetched again.
func (f *fetching) git(ctx context.Context) error {
	file, err := f.fresh()
	if err != nil {
		return err
	}
	if f.pinned() {
		if _, err := f.client.Cached(f.locked, file); err == nil {
			return f.unpackGit(ctx, file)
		}
	}
	if err := f.clone(ctx, file); err != nil {
		return err
	}
	if f.pinned() && f.input.SHA256 != f.locked {
		return &source.Mismatch{Of: f.Git, Is: f.input.SHA256, Want: f.locked}
	}
	return f.unpackGit(ctx, file)
}

func (f *fetching) unpackGit(ctx context.Context, file string) error {
	defer os.Remove(file)
	f.record.took(f.Index, f.input)
	return f.unpack(ctx, file, f.Pick, 0)
}

// clone fetches the commit and writes the picked files to an archive.
func (f *fetching) clone(ctx context.Context, file string) error {
	dir, err := os.MkdirTemp(f.tmp, "git-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer os.RemoveAll(dir)
	ref := f.Ref
	if f.input.Commit != "" {
		ref = f.input.Commit
	}
	repository, err := f.client.Clone(ctx, f.Git, ref, dir)
	if err != nil {
		return err
	}
	f.input.URL, f.input.Commit = f.Git, repository.Commit
	return f.archive(ctx, repository, file)
}

func (f *fetching) archive(ctx context.Context, r *source.Repository, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	defer out.Close()
	h := sha256.New()
	w := tar.NewWriter(io.MultiWriter(out, h))
	err = r.Walk(ctx, func(i source.Item) error {
		for _, p := range f.Pick {
			if _, ok := pick(p.Key, p.Value, i.Path); ok {
				return addToTar(w, i)
			}
		}
		return nil
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write archive of %s: %w", f.Git, err)
	}
	if f.input.Size, err = out.Seek(0, io.SeekCurrent); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	f.input.SHA256 = hex.EncodeToString(h.Sum(nil))
	return f.client.Keep(f.input.SHA256, out)
}

// addToTar writes an item whose size is not known before.
func addToTar(w *tar.Writer, i source.Item) error {
	h := &tar.Header{Name: i.Path, Mode: int64(i.Mode.Perm()), Format: tar.FormatPAX}
	if i.Mode&fs.ModeSymlink != 0 {
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, i.Link, 0o777
		return w.WriteHeader(h)
	}
	b, err := io.ReadAll(io.LimitReader(i.Content, maxBytes))
	if err != nil {
		return err
	}
	h.Typeflag, h.Size = tar.TypeReg, int64(len(b))
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
