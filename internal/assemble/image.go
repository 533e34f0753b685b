// Package assemble makes OCI images of a context, a build file and a registry directory, and writes and reads them as
// archives and layouts. Nothing is run and nothing is written twice: the layers with container images are made from
// the blobs while somebody reads them.
package assemble

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Content is a small document of an image: a config, a manifest or an index.
type Content struct {
	MediaType types.MediaType
	Digest    v1.Hash
	Bytes     []byte
}

// Descriptor is how another document names this one.
func (c Content) Descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: c.MediaType, Digest: c.Digest, Size: int64(len(c.Bytes))}
}

// Layer is one layer of an image, with its bytes on request.
type Layer struct {
	// Desc is what the manifest says about the layer.
	Desc v1.Descriptor
	// DiffID is the digest of the tar inside. It is zero where an archive does not tell.
	DiffID v1.Hash
	// Blob is the container image blob that this layer alone consists of, zero for other layers.
	Blob v1.Hash
	// Blobs are the container image blobs that share this layer, when it consists of nothing else.
	Blobs []v1.Hash
	// Open gives the compressed layer from its beginning, as often as it is called. Where the end would be, bytes that
	// are not what Desc says are reported as an error.
	Open func() (io.ReadCloser, error)
}

// Image is the image of one platform.
type Image struct {
	Platform         v1.Platform
	Config, Manifest Content
	// Layers are in the order of the manifest.
	Layers []Layer
	// Warnings are for the author of the recipe; Assemble fills them.
	Warnings []string
}

// Descriptor names the image in an index.
func (i Image) Descriptor() v1.Descriptor {
	d := i.Manifest.Descriptor()
	d.Platform = &i.Platform
	return d
}

// Index is a cluster image: the images of its platforms, and the document that a tag points to.
type Index struct {
	Content
	// Images are sorted by platform.
	Images []Image
	// Name is the full reference that an archive carries, empty where it carries none.
	Name string
}

// document makes the canonical JSON of an OCI document: struct fields in their order, map keys sorted, no white space
// between, and no HTML escapes.
func document(mt types.MediaType, v any) (Content, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return Content{}, fmt.Errorf("encode %s: %w", mt, err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return Content{MediaType: mt, Digest: digestOf(text), Bytes: text}, nil
}

func digestOf(b []byte) v1.Hash {
	s := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", s)}
}
