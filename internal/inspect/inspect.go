// Package inspect tells which container images a finished cluster image holds. It reads the layers that hold links and manifests, and leaves the
// large blobs alone.
package inspect

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

const (
	// maxManifest is the size in bytes up to which a blob may be a manifest: what registries accept.
	maxManifest = 4 << 20
	// maxKept bounds the bytes of all blobs that are kept since they may be manifests.
	maxKept = 256 << 20
	// maxFiles bounds the files of all layers.
	maxFiles = 2_000_000
	// maxWindow bounds how far zstd looks back, in bytes.
	maxWindow = 128 << 20
)

// ErrTooLarge says that the layers hold more than a cluster image has.
var ErrTooLarge = errors.New("image is larger than can be looked at")

// Layer is one layer of a finished image, compressed or not.
type Layer struct {
	// Size is its length in bytes, as the manifest says.
	Size int64
	// Open gives its bytes.
	Open func() (io.ReadCloser, error)
}

// Images lists the images in the registry directory of a cluster image. Layers of one blob, as this program makes them, are not read; where an image
// was made in another way and its links are in a large layer, all layers are.
func Images(ctx context.Context, layers []Layer) ([]registrydir.Entry, error) {
	var small, large []Layer
	for i, l := range layers {
		// The last two layers hold the links, with whatever has no layer of its own, and the application.
		if i >= len(layers)-2 || l.Size < layer.MinBlob {
			small = append(small, l)
		} else {
			large = append(large, l)
		}
	}
	c := contents{tags: map[string]v1.Hash{}, blobs: map[v1.Hash][]byte{}}
	if err := c.readAll(ctx, small); err != nil {
		return nil, err
	}
	if len(c.tags) == 0 {
		if err := c.readAll(ctx, large); err != nil {
			return nil, err
		}
	}
	return c.entries(), nil
}

// contents is what was seen in the layers.
type contents struct {
	// tags has path:tag.
	tags  map[string]v1.Hash
	blobs map[v1.Hash][]byte
	kept  int64
	files int
}

func (c *contents) readAll(ctx context.Context, layers []Layer) error {
	for _, l := range layers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.read(l); err != nil {
			return fmt.Errorf("read layer: %w", err)
		}
	}
	return nil
}

func (c *contents) read(l Layer) error {
	rc, err := l.Open()
	if err != nil {
		return err
	}
	defer rc.Close()
	plain, err := decompressed(rc)
	if err != nil {
		return err
	}
	defer plain.Close()
	r := tar.NewReader(plain)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			// The rest is read so that a source that checks what it gives has its say.
			_, err = io.Copy(io.Discard, rc)
			return err
		}
		if err != nil {
			return err
		}
		if c.files++; c.files > maxFiles {
			return fmt.Errorf("%w: more than %d files", ErrTooLarge, maxFiles)
		}
		if err := c.file(h, r); err != nil {
			return err
		}
	}
}

// decompressed gives the tar of a layer. This program writes gzip, others zstd, too.
func decompressed(r io.Reader) (io.ReadCloser, error) {
	var head [4]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), r)
	switch {
	case bytes.HasPrefix(head[:], []byte{0x1f, 0x8b}):
		return gzip.NewReader(whole)
	case head == [4]byte{0x28, 0xb5, 0x2f, 0xfd}:
		z, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(whole), nil
}

// file keeps a link of a tag, or a blob that may be a manifest.
func (c *contents) file(h *tar.Header, r io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/"+layer.Root+"/"+registrydir.Root+"/")
	switch {
	case h.Typeflag != tar.TypeReg:
		return nil
	case strings.HasPrefix(name, "repositories/"):
		return c.link(strings.TrimPrefix(name, "repositories/"), r)
	case strings.HasPrefix(name, "blobs/sha256/") && h.Size <= maxManifest:
		return c.blob(name, r)
	}
	return nil
}

func (c *contents) link(name string, r io.Reader) error {
	repository, rest, ok := strings.Cut(name, "/_manifests/tags/")
	tag, isCurrent := strings.CutSuffix(rest, "/current/link")
	if !ok || !isCurrent || strings.Contains(tag, "/") {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, 256))
	if err != nil {
		return err
	}
	digest, err := v1.NewHash(string(b))
	if err != nil {
		return fmt.Errorf("link of %s:%s: %w", repository, tag, err)
	}
	c.tags[repository+":"+tag] = digest
	return nil
}

func (c *contents) blob(name string, r io.Reader) error {
	digest, err := v1.NewHash("sha256:" + path.Base(path.Dir(name)))
	if err != nil {
		return nil // not a blob, so nothing of ours
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	if c.kept += int64(len(b)); c.kept > maxKept {
		return fmt.Errorf("%w: its manifests have more than %d bytes", ErrTooLarge, maxKept)
	}
	c.blobs[digest] = b
	return nil
}

// entries are the tags with what their manifests say.
func (c *contents) entries() []registrydir.Entry {
	var out []registrydir.Entry
	for name, digest := range c.tags {
		repository, tag, _ := strings.Cut(name, ":")
		e := registrydir.Entry{Repository: repository, Tag: tag, Digest: digest}
		c.describe(&e)
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b registrydir.Entry) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Tag, b.Tag))
	})
	return out
}

func (c *contents) describe(e *registrydir.Entry) {
	b := c.blobs[e.Digest]
	var m struct {
		MediaType types.MediaType `json:"mediaType"`
		Config    v1.Descriptor   `json:"config"`
		Layers    []v1.Descriptor `json:"layers"`
	}
	if json.Unmarshal(b, &m) != nil {
		return
	}
	e.MediaType = m.MediaType
	e.Size = int64(len(b)) + m.Config.Size
	for _, l := range m.Layers {
		e.Size += l.Size
	}
	var platform v1.Platform
	if json.Unmarshal(c.blobs[m.Config.Digest], &platform) == nil && platform.OS != "" {
		e.Platform = platform.String()
	}
}
