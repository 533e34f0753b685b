// Package registrydir models, writes, reads, verifies and serves a registry directory: the filesystem layout of the CNCF distribution registry
// (docker/registry/v2/{blobs,repositories}) in which a cluster image carries the container images of an application.
//
// The layout, with D for a digest's hex and links that hold algorithm:hex without a newline:
//
//	blobs/sha256/DD/D/data                                  layers, configs and manifests
//	repositories/NAME/_layers/sha256/D/link                 configs and layers that NAME may give out
//	repositories/NAME/_manifests/revisions/sha256/D/link    manifests of NAME
//	repositories/NAME/_manifests/tags/TAG/current/link      what TAG means
//	repositories/NAME/_manifests/tags/TAG/index/sha256/D/link
//
// NAME is the image's name without its host: a cluster has one registry for all of them.
package registrydir

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Image is one image of one platform as it was resolved.
type Image struct {
	// Ref is what was asked for.
	Ref reference.Reference
	// Manifest is the platform's manifest.
	Manifest v1.Descriptor
	// Index is what the tag or the digest answered where that is an index. It is stored only for a reference with the index's digest.
	Index *v1.Descriptor
	// Blobs are the manifest's config and layers.
	Blobs []v1.Descriptor
	// Members are the manifests of an index that is stored whole, which is then what Manifest names. They get no tags of their own.
	Members []Member
}

// Member is a manifest of an index, with its config and layers.
type Member struct {
	Manifest v1.Descriptor
	Blobs    []v1.Descriptor
}

// Dir is a registry directory. Nothing of it need be on a disk: its blobs stay where their [Content] has them.
// It is safe for concurrent use except while [Dir.Merge] runs.
type Dir struct {
	blobs map[v1.Hash]blob
	repos map[string]*repository
	// spare is how many blobs there are besides, which nothing links.
	spare int
}

type blob struct {
	size int64
	from Content
}

type hashes map[v1.Hash]struct{}

func (h hashes) add(d v1.Hash) { h[d] = struct{}{} }

func (h hashes) has(d v1.Hash) bool {
	_, ok := h[d]
	return ok
}

func (h hashes) sorted() []v1.Hash { return slices.SortedFunc(maps.Keys(h), compareHashes) }

type repository struct {
	layers    hashes
	revisions hashes
	tags      map[string]*tag
}

type tag struct {
	current v1.Hash
	// index is every manifest that the tag ever meant, the current one included.
	index hashes
	// by says what asked for the tag: a reference, or the directory it was read from.
	by string
}

// New lays out the images of one platform. Content gives their bytes, later; nothing is read or written now.
//
// Every reference with a tag gets that tag, pointing at the platform's manifest. A manifest wanted by digest alone gets the tag sha256-<hex of the
// digest asked for>, since only tags travel into a cluster, and the tag latest too, to which image-cri-shim falls back. An index asked for by its
// digest is kept as a revision beside its manifest. Where two references need one path and tag for different content, New returns a
// [*ConflictError] that names all of them.
func New(images []Image, content Content) (*Dir, error) {
	d := newDir()
	images = slices.SortedStableFunc(slices.Values(images), func(a, b Image) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
	for _, image := range images {
		if err := image.check(); err != nil {
			return nil, fmt.Errorf("store %s: %w", image.Ref, err)
		}
		if err := d.add(image, content); err != nil {
			return nil, fmt.Errorf("store %s: %w", image.Ref, err)
		}
	}
	return d, d.tagAll(images)
}

func newDir() *Dir {
	return &Dir{blobs: map[v1.Hash]blob{}, repos: map[string]*repository{}}
}

// check refuses what could not be laid out, or would not be what was asked for.
func (i Image) check() error {
	if err := checkName(i.Ref.Path); err != nil {
		return err
	}
	if i.Ref.Tag != "" {
		if err := checkTag(i.Ref.Tag); err != nil {
			return err
		}
	}
	for _, b := range i.all() {
		if err := checkHash(b.Digest); err != nil {
			return err
		}
		if b.Size < 0 {
			return fmt.Errorf("%s has the size %d", b.Digest, b.Size)
		}
	}
	return i.checkAsked()
}

func (i Image) checkAsked() error {
	switch {
	case i.Ref.Tag == "" && i.Ref.Digest == "":
		return fmt.Errorf("the reference has neither a tag nor a digest")
	case i.Ref.Digest == "" || i.Ref.Digest == i.Manifest.Digest.String():
		return nil
	case i.Index == nil:
		return fmt.Errorf("the digest asked for was answered with the manifest %s", i.Manifest.Digest)
	case i.Ref.Digest != i.Index.Digest.String():
		return fmt.Errorf("the digest asked for was answered with the index %s", i.Index.Digest)
	}
	return nil
}

// keepsIndex tells whether the index itself was asked for.
func (i Image) keepsIndex() bool {
	return i.Index != nil && i.Ref.Digest == i.Index.Digest.String()
}

// all is every descriptor that is stored for the image.
func (i Image) all() []v1.Descriptor {
	all := append([]v1.Descriptor{i.Manifest}, i.Blobs...)
	if i.keepsIndex() {
		all = append(all, *i.Index)
	}
	for _, m := range i.Members {
		all = append(append(all, m.Manifest), m.Blobs...)
	}
	return all
}

// add stores the image's blobs and links, without a tag.
func (d *Dir) add(i Image, content Content) error {
	for _, b := range i.all() {
		if err := d.addBlob(b.Digest, blob{size: b.Size, from: content}); err != nil {
			return err
		}
	}
	repo := d.repo(i.Ref.Path)
	for _, b := range i.Blobs {
		repo.layers.add(b.Digest)
	}
	repo.revisions.add(i.Manifest.Digest)
	if i.keepsIndex() {
		repo.revisions.add(i.Index.Digest)
	}
	for _, m := range i.Members {
		repo.revisions.add(m.Manifest.Digest)
		for _, b := range m.Blobs {
			repo.layers.add(b.Digest)
		}
	}
	return nil
}

func (d *Dir) addBlob(h v1.Hash, b blob) error {
	if have, ok := d.blobs[h]; ok {
		if have.size != b.size {
			return fmt.Errorf("the blob %s has %d bytes here and %d bytes elsewhere", h, b.size, have.size)
		}
		return nil
	}
	d.blobs[h] = b
	return nil
}

func (d *Dir) repo(name string) *repository {
	r, ok := d.repos[name]
	if !ok {
		r = &repository{layers: hashes{}, revisions: hashes{}, tags: map[string]*tag{}}
		d.repos[name] = r
	}
	return r
}

// names are the repositories in the order of their paths.
func (d *Dir) names() []string { return slices.SortedFunc(maps.Keys(d.repos), compareNames) }

// tagNames are the repository's tags in the order of their paths.
func (r *repository) tagNames() []string { return slices.SortedFunc(maps.Keys(r.tags), compareTags) }

// Empty tells whether the directory holds no image at all.
func (d *Dir) Empty() bool { return len(d.repos) == 0 }

// Len is the number of blobs; Size is how many bytes they have together.
func (d *Dir) Len() int { return len(d.blobs) }

// Size is the bytes of all blobs together. The links add 71 bytes each.
func (d *Dir) Size() int64 {
	var n int64
	for _, b := range d.blobs {
		n += b.size
	}
	return n
}
