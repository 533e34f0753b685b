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
	if f.Kind == app.KindBinary {
		if content, err = source.Program(in); err != nil {
			return fmt.Errorf("%s: %w", f.Address, err)
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
	for range maxHops {
		u := newUnpacking(f, picks, strip)
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read download: %w", err)
		}
		if err := source.Walk(ctx, in, u.item); err != nil {
			return fmt.Errorf("%s: %w", f.input.URL, err)
		}
		if err := u.missing(f.input.URL); err != nil || len(u.links) == 0 {
			return err
		}
		picks = u.links
	}
	return fmt.Errorf("%w: %s: the links from %s lead nowhere", source.ErrSource, f.input.URL, picks[0].Key)
}

// maxHops is how many links are followed, one after another.
const maxHops = 8

// unpacking is an archive or repository of which parts go into the context.
type unpacking struct {
	*fetching
	picks app.Map[string]
	strip int
	used  []bool
	seen  []string
	// placed are the paths in the context by the paths inside, for entries that are the same file as another.
	placed map[string]string
	// links are where picked entries lead that are links: what is there takes their place.
	links app.Map[string]
}

func newUnpacking(f *fetching, picks app.Map[string], strip int) *unpacking {
	return &unpacking{fetching: f, picks: picks, strip: strip, used: make([]bool, len(picks)), placed: map[string]string{}}
}

// maxSeen is how many paths an error shows of what there is.
const maxSeen = 8

// item puts an entry wherever a pick wants it.
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
		if err := u.put(i, inside, to, strings.TrimSuffix(p.Key, "/") == inside); err != nil {
			return err
		}
		if i.Content != nil { // it has been read
			i.Content, i.Same = nil, i.Path
		}
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

// put brings an entry to its place; named says that the recipe names this very one, and not a directory or a pattern.
func (u *unpacking) put(i source.Item, inside, to string, named bool) error {
	isLink := i.Mode&fs.ModeSymlink != 0
	if named && isLink && !path.IsAbs(i.Link) {
		return u.follow(i, path.Join(path.Dir(inside), i.Link), to)
	}
	first, isPlaced := u.placed[i.Same]
	switch {
	case i.Same != "" && isPlaced:
		u.placed[i.Path] = to
		return u.copy(first, to)
	case i.Same != "":
		target, _ := stripped(i.Same, u.strip) // what is above has no files
		return u.follow(i, target, to)
	}
	u.placed[i.Path] = to
	switch {
	case i.Mode.IsDir():
		if err := u.root.MkdirAll(filepath.FromSlash(to), 0o755); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		return nil
	case isLink:
		return u.symlink(i, to)
	}
	mode := i.Mode
	if named && u.Kind == app.KindBinary {
		mode = u.Perm
	}
	return u.write(to, mode, i.Content)
}

// follow has what a link leads to put in its place, once the rest is there.
func (u *unpacking) follow(i source.Item, target, to string) error {
	if !filepath.IsLocal(target) {
		return fmt.Errorf("the link %s leads out of it, to %s", i.Path, i.Link)
	}
	u.links = append(u.links, app.Pair[string]{Key: target, Value: to})
	return nil
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

// copy makes a file of the context a second time.
func (u *unpacking) copy(first, to string) error {
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
		if !used && len(u.seen) == 0 {
			return fmt.Errorf("%w: %s has nothing that is left once %d directories are stripped", source.ErrSource, where, u.strip)
		}
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

// archive writes the picked files to an archive, and what picked links lead to.
func (f *fetching) archive(ctx context.Context, r *source.Repository, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	defer out.Close()
	picks := f.Pick
	for range maxHops {
		links, err := f.pack(ctx, r, picks, out)
		if err != nil {
			return fmt.Errorf("write archive of %s: %w", f.Git, err)
		}
		if len(links) == len(picks) {
			return f.client.Keep(f.input.SHA256, out)
		}
		picks = links
	}
	return fmt.Errorf("%w: %s: the links from %s lead nowhere", source.ErrSource, f.Git, picks[len(picks)-1].Key)
}

// pack writes an archive anew, and gives the picks with those added that named links lead to.
func (f *fetching) pack(ctx context.Context, r *source.Repository, picks app.Map[string], out *os.File) (app.Map[string], error) {
	if err := out.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	h := sha256.New()
	w := tar.NewWriter(io.MultiWriter(out, h))
	all := slices.Clone(picks)
	err := r.Walk(ctx, func(i source.Item) error {
		for _, p := range picks {
			if _, ok := pick(p.Key, p.Value, i.Path); !ok {
				continue
			}
			target := path.Join(path.Dir(i.Path), i.Link)
			if _, known := all.Get(target); i.Link != "" && strings.TrimSuffix(p.Key, "/") == i.Path && filepath.IsLocal(target) && !known {
				all = append(all, app.Pair[string]{Key: target, Value: p.Value})
			}
			return addToTar(w, i)
		}
		return nil
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	if f.input.Size, err = out.Seek(0, io.SeekCurrent); err != nil {
		return nil, err
	}
	f.input.SHA256 = hex.EncodeToString(h.Sum(nil))
	return all, nil
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
