package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// Lock finds out what the inputs of a version are now: it downloads, looks for images and resolves them, and fetches none.
func (e *Engine) Lock(ctx context.Context, r recipe.Recipe, platforms []string) (lock.Lock, error) {
	b := &build{Engine: e, order: Order{Recipe: r, Platforms: platforms}}
	defer b.Close()
	for _, s := range []stage{{"download", failure.Recipe, b.download}, {"discover", failure.Recipe, b.discover}, {"resolve", failure.Source, b.resolve}} {
		if err := s.run(ctx); err != nil {
			return lock.Lock{}, explain(err, b.order, s)
		}
	}
	l := b.record.Lock(r.Name, r.Version, platforms)
	var err error
	if l.Contexts, err = contextDigests(b.Contexts); err != nil {
		return lock.Lock{}, explain(err, b.order, stage{"download", failure.Internal, nil})
	}
	l.Images, l.Absent = lockedImages(b.resolved, func(i transfer.Image) string { return movedTo(i, b.Built.Needs.mirrors, e.Mirrors) })
	return l, nil
}

// lockedImages are the images that were resolved, and those that may be needed and do not exist for any platform.
func lockedImages(r transfer.Resolution, moved func(transfer.Image) string) (images []lock.Image, absent []string) {
	for _, i := range r.Images {
		if i.Source.Host == "" {
			continue // brought as an archive, which the context's digest holds
		}
		one := lock.Image{Ref: i.Ref.String(), From: moved(i), Platforms: map[string]lock.Manifest{}}
		for p, m := range i.Platforms {
			one.Digest = m.Manifest.Digest.String()
			one.Platforms[p] = lock.Manifest{Digest: one.Digest, Size: sizeOf(m)}
		}
		if i.Index != nil {
			one.Digest = i.Index.Digest.String()
		}
		images = append(images, one)
	}
	for _, d := range r.Dropped {
		has := func(i lock.Image) bool { return i.Ref == d.Ref.String() }
		if !slices.ContainsFunc(images, has) && !slices.Contains(absent, d.Ref.String()) {
			absent = append(absent, d.Ref.String())
		}
	}
	return images, absent
}

// movedTo is the place to which the recipe sends an image that was found there; empty for one that was found under its own name. Through which of the
// user's mirrors it came is not told: a lock is the same with all of them and with none.
func movedTo(i transfer.Image, recipe, user reference.Mirrors) string {
	found := func(r reference.Reference) bool { return r.Repository() == i.Source.Repository() }
	for _, s := range recipe.Sources(i.Ref) {
		if s.Repository() != i.Ref.Repository() && slices.ContainsFunc(user.Sources(s), found) {
			return s.Repository()
		}
	}
	return ""
}

func sizeOf(m transfer.PlatformImage) int64 {
	size := int64(len(m.Manifest.Bytes))
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		size += d.Size
	}
	return size
}

// contextDigests are the SHA-256 of all that the contexts hold, by platform.
func contextDigests(contexts ByPlatform) (map[string]string, error) {
	out := map[string]string{}
	for p, dir := range contexts {
		sum, err := contextDigest(dir)
		if err != nil {
			return nil, fmt.Errorf("read context for %s: %w", p, err)
		}
		out[p] = sum
	}
	return out, nil
}

func contextDigest(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	h := sha256.New()
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return addContextFile(h, root, name, e)
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func addContextFile(w io.Writer, root *os.Root, name string, e fs.DirEntry) error {
	if e.Type()&fs.ModeSymlink != 0 {
		target, err := root.Readlink(name)
		fmt.Fprintf(w, "%q -> %q\n", path.Clean(name), target)
		return err
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%q %t %d\n", path.Clean(name), info.Mode()&0o100 != 0, info.Size())
	_, err = io.Copy(w, f)
	return err
}

// holdDownload compares what was downloaded and made with the lock.
func (b *build) holdDownload() error {
	l := b.order.Lock
	if l == nil {
		return nil
	}
	var d []string
	digests, err := contextDigests(b.Contexts)
	if err != nil {
		return err
	}
	made := b.record.Values()
	for _, p := range b.Contexts.Platforms() {
		switch {
		case !slices.Contains(l.Platforms, p):
			d = append(d, fmt.Sprintf("the lock is not for %s, but for %v", p, l.Platforms))
		case made[p] != l.Values[p]:
			d = append(d, fmt.Sprintf("values for %s: the generated files are sha256:%s, the lock says sha256:%s", p, made[p], l.Values[p]))
		case digests[p] != l.Contexts[p]:
			d = append(d, fmt.Sprintf("context for %s: its files are sha256:%s, the lock says sha256:%s", p, digests[p], l.Contexts[p]))
		}
	}
	return drifted(d)
}

func drifted(differences []string) error {
	if len(differences) == 0 {
		return nil
	}
	return &lock.Drift{Differences: differences}
}

// hold gives the needs of the platforms as the lock has them: each reference is fetched by the digest that it had.
func (n Needs) hold(requests []transfer.Request, platforms []string) ([]transfer.Request, error) {
	if n.lock == nil {
		return requests, nil
	}
	var out []transfer.Request
	var d []string
	wanted := map[string]bool{}
	for _, r := range requests {
		ref := r.Ref.String()
		wanted[ref] = true
		image, known := n.lock.Image(ref)
		switch {
		case known:
			r.Sources = withDigest(r.Sources, r.Ref, image.Digest)
			out = append(out, r)
		case !r.Maybe || !n.lock.IsAbsent(ref):
			d = append(d, "image "+ref+" is needed and not in the lock")
		}
	}
	for _, i := range n.lock.Images {
		if !wanted[i.Ref] && i.IsFor(platforms) {
			d = append(d, "image "+i.Ref+" is in the lock and not needed")
		}
	}
	return out, drifted(d)
}

// measured compares what was resolved with what the lock says of it.
func (n Needs) measured(r transfer.Resolution) error {
	if n.lock == nil {
		return nil
	}
	var d []string
	for _, i := range r.Images {
		locked, _ := n.lock.Image(i.Ref.String())
		for _, p := range slices.Sorted(maps.Keys(i.Platforms)) {
			is := lock.Manifest{Digest: i.Platforms[p].Manifest.Digest.String(), Size: sizeOf(i.Platforms[p])}
			if was, known := locked.Platforms[p]; known && is != was {
				d = append(d, fmt.Sprintf("image %s for %s: it is %s of %d bytes, the lock says %s of %d bytes", i.Ref, p, is.Digest, is.Size, was.Digest, was.Size))
			}
		}
	}
	return drifted(d)
}

func withDigest(sources []reference.Reference, ref reference.Reference, digest string) []reference.Reference {
	if len(sources) == 0 {
		sources = []reference.Reference{ref}
	}
	out := slices.Clone(sources)
	for i := range out {
		out[i].Digest = digest
	}
	return out
}

// gone makes differences from the lock of the images that it names by a digest which the registries no longer have.
func (n Needs) gone(err error) error {
	var unresolved *transfer.Unresolved
	if n.lock == nil || !errors.As(err, &unresolved) {
		return err
	}
	var d []string
	for _, i := range unresolved.Images {
		locked, known := n.lock.Image(i.Ref.String())
		otherwise := func(t transfer.Try) bool { return !registry.IsNotFound(t.Err) }
		if known && len(i.Tries) > 0 && !slices.ContainsFunc(i.Tries, otherwise) {
			d = append(d, fmt.Sprintf("image %s: the lock says %s, which %s has no longer", i.Ref, locked.Digest, i.Tries[0].Source.Host))
		}
	}
	if len(d) < len(unresolved.Images) {
		return err
	}
	return drifted(d)
}

// advise says what to do about a difference from the lock.
func advise(err error, r recipe.Recipe) error {
	var d *lock.Drift
	if !errors.As(err, &d) {
		return err
	}
	return failure.New(failure.Recipe, "%w", err).Advise("look at what moved with: cluster-image lock %s %s --dry-run, and take it over without --dry-run", r.Name, r.Version)
}
