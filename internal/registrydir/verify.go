package registrydir

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// Verify reads all bytes and lists every defect in one [*DefectsError]: blobs that are not what their digest says, tags that do not lead to a
// complete image, blobs without any image, images that are not for the platform (linux/amd64; empty for any), repositories that would stop `sealos registry sync`.
// Of an index only the images that are here need be complete, since a directory holds one platform.
func (d *Dir) Verify(ctx context.Context, platform string) error {
	v := verifier{dir: d, bad: hashes{}}
	if platform != "" {
		p, err := v1.ParsePlatform(platform)
		if err != nil {
			return fmt.Errorf("verify registry directory: %w", err)
		}
		v.platform = p
	}
	if err := v.rehash(ctx); err != nil {
		return fmt.Errorf("verify registry directory: %w", err)
	}
	if len(d.repos) == 0 && d.spare > 0 {
		v.defects.add(Root+"/"+repositoriesDir, "holds no image, though there are %d blobs: save the images again", d.spare)
	}
	for _, name := range d.names() {
		v.repository(name, d.repos[name])
	}
	return v.defects.err()
}

type verifier struct {
	dir      *Dir
	platform *v1.Platform
	// bad are the blobs whose bytes are wrong: what they say is not looked at.
	bad     hashes
	defects defects
}

// rehash reads every blob, a few at a time.
func (v *verifier) rehash(ctx context.Context) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	bad := make(chan v1.Hash, len(v.dir.blobs))
	for h := range v.dir.sortedBlobs() {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := v.dir.rehash(ctx, h); err != nil {
				bad <- h
				v.defects.add(Root+"/"+blobPath(h), "%s", err)
			}
			return nil
		})
	}
	_ = group.Wait()
	close(bad)
	for h := range bad {
		v.bad.add(h)
	}
	return ctx.Err()
}

func (d *Dir) rehash(ctx context.Context, h v1.Hash) error {
	b := d.blobs[h]
	hash, err := v1.Hasher(h.Algorithm)
	if err != nil {
		return err
	}
	r, err := b.from.Open(h)
	if err != nil {
		return fmt.Errorf("cannot be read: %w", cause(err))
	}
	defer r.Close()
	n, err := io.Copy(hash, readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return r.Read(p)
	}))
	sum := hex.EncodeToString(hash.Sum(nil))
	switch {
	case err != nil:
		return fmt.Errorf("cannot be read: %w", cause(err))
	case n != b.size:
		return fmt.Errorf("has %d bytes where %d are right: remove it and save the images again", n, b.size)
	case sum != h.Hex:
		return fmt.Errorf("holds the content of %s:%s: remove it and save the images again", h.Algorithm, sum)
	}
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (v *verifier) repository(name string, repo *repository) {
	if len(repo.tags) == 0 {
		v.defects.add(name, "has no tag: `sealos registry sync` copies tags only and stops at such a repository")
	}
	for _, h := range repo.revisions.sorted() {
		v.revision(name, repo, h)
	}
	if v.platform == nil {
		return
	}
	for _, t := range repo.tagNames() {
		v.tag(name, repo, t)
	}
}

// revision looks whether a manifest is complete.
func (v *verifier) revision(name string, repo *repository, h v1.Hash) {
	if v.bad.has(h) {
		return
	}
	where := name + "@" + h.String()
	m, _, err := v.dir.manifest(h)
	if err != nil {
		v.defects.add(where, "%s", err)
		return
	}
	if m.MediaType.IsIndex() {
		v.index(where, repo, m)
		return
	}
	for _, b := range m.blobs() {
		v.blob(where, repo, b)
	}
}

func (v *verifier) index(where string, repo *repository, m manifest) {
	for _, child := range m.Manifests {
		if repo.revisions.has(child.Digest) {
			return
		}
	}
	v.defects.add(where, "is an index of %d manifests, none of which is here", len(m.Manifests))
}

func (v *verifier) blob(where string, repo *repository, want v1.Descriptor) {
	have, ok := v.dir.blobs[want.Digest]
	switch {
	case !ok:
		v.defects.add(where, "%s is missing: save the images again", want.Digest)
	case !repo.layers.has(want.Digest):
		v.defects.add(where, "%s is not linked under %s, so a registry does not give it out: save the images again", want.Digest, layersDir)
	case have.size != want.Size:
		v.defects.add(where, "%s has %s", want.Digest, sizeProblem(want.Size, have.size))
	}
}

func sizeProblem(a, b int64) string {
	return fmt.Sprintf("%d bytes in the one place and %d in the other", a, b)
}

// tag looks whether the tag gives a node of the platform an image of that platform.
func (v *verifier) tag(name string, repo *repository, tagName string) {
	where := name + ":" + tagName
	h := repo.tags[tagName].current
	if v.bad.has(h) {
		return
	}
	m, _, err := v.dir.manifest(h)
	if err != nil {
		return // the revision says so
	}
	if m.MediaType.IsIndex() {
		v.taggedIndex(where, repo, m)
		return
	}
	p, err := v.imagePlatform(m)
	switch {
	case err != nil:
		v.defects.add(where, "%s", err)
	case p != nil && !serves(*p, *v.platform):
		v.defects.add(where, "is an image for %s, not for %s", p, v.platform)
	}
}

// taggedIndex wants one image of the index that is here and for the platform.
func (v *verifier) taggedIndex(where string, repo *repository, m manifest) {
	for _, child := range m.Manifests {
		if !repo.revisions.has(child.Digest) || v.bad.has(child.Digest) {
			continue
		}
		cm, _, err := v.dir.manifest(child.Digest)
		if err != nil {
			continue
		}
		if p, err := v.imagePlatform(cm); err == nil && p != nil && serves(*p, *v.platform) {
			return
		}
	}
	v.defects.add(where, "is an index without an image for %s here", v.platform)
}

// imagePlatform is nil where there is nothing to compare: no container image, or a config that is bad or missing and reported as such.
func (v *verifier) imagePlatform(m manifest) (*v1.Platform, error) {
	if !m.hasPlatform() || v.bad.has(m.Config.Digest) {
		return nil, nil
	}
	if _, ok := v.dir.blobs[m.Config.Digest]; !ok {
		return nil, nil
	}
	return v.dir.platform(m)
}
