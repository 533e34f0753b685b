package registrydir

import (
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// File is one file of the directory.
type File struct {
	// Path starts with docker/registry/v2.
	Path string
	// Size is in bytes.
	Size int64
	// Blob is the digest of what the file holds. It is zero for a link.
	Blob v1.Hash
	// Repository is whose link it is, and Target what it leads to. They are empty for a blob.
	Repository string
	Target     v1.Hash
	// Open gives the file's bytes.
	Open func() (io.ReadCloser, error)
}

// Files yields every file in the order of the paths. It makes each when its turn comes, so that the directory may be large.
func (d *Dir) Files() iter.Seq[File] {
	return func(yield func(File) bool) {
		for h := range d.sortedBlobs() {
			if !yield(d.blobFile(h)) {
				return
			}
		}
		for _, name := range d.names() {
			for l := range d.repos[name].links(name) {
				if !yield(l.file(name)) {
					return
				}
			}
		}
	}
}

func (d *Dir) sortedBlobs() iter.Seq[v1.Hash] {
	return slices.Values(slices.SortedFunc(maps.Keys(d.blobs), compareHashes))
}

func (d *Dir) blobFile(h v1.Hash) File {
	b := d.blobs[h]
	return File{
		Path: Root + "/" + blobPath(h), Size: b.size, Blob: h,
		Open: func() (io.ReadCloser, error) { return b.from.Open(h) },
	}
}

// link is a link file; its path is relative to Root.
type link struct {
	path string
	to   v1.Hash
}

func (l link) file(repository string) File {
	text := l.to.String()
	return File{
		Path: Root + "/" + l.path, Size: int64(len(text)), Repository: repository, Target: l.to,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

// links yields the repository's links in the order of their paths.
func (r *repository) links(name string) iter.Seq[link] {
	return func(yield func(link) bool) {
		for l := range r.contentLinks(name) {
			if !yield(l) {
				return
			}
		}
		for _, t := range r.tagNames() {
			for l := range r.tags[t].links(name, t) {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// contentLinks yields the links of layers and manifests, all but the tags.
func (r *repository) contentLinks(name string) iter.Seq[link] {
	return func(yield func(link) bool) {
		for _, h := range r.layers.sorted() {
			if !yield(link{layerLink(name, h), h}) {
				return
			}
		}
		for _, h := range r.revisions.sorted() {
			if !yield(link{revisionLink(name, h), h}) {
				return
			}
		}
	}
}

func (t *tag) links(name, tagName string) iter.Seq[link] {
	return func(yield func(link) bool) {
		if !yield(link{currentLink(name, tagName), t.current}) {
			return
		}
		for _, h := range t.index.sorted() {
			if !yield(link{indexLink(name, tagName, h), h}) {
				return
			}
		}
	}
}
