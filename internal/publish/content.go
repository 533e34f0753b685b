package publish

import (
	"bytes"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Content is a small document with its digest: a manifest, an index or an image configuration.
type Content struct {
	MediaType types.MediaType
	Digest    v1.Hash
	Bytes     []byte
}

// Layer is a layer that can be read any number of times.
type Layer struct {
	Desc v1.Descriptor
	// Blob is the blob of the content store that the layer is made of; zero when it is made of files.
	Blob v1.Hash
	Open func() (io.ReadCloser, error)
}

// Image is the image of one platform.
type Image struct {
	Platform         v1.Platform
	Config, Manifest Content
	Layers           []Layer
}

// Index is the images of all platforms and the document that lists them.
type Index struct {
	Content
	Images []Image
}

// layer makes a blob to upload of a document.
func (c Content) layer() Layer {
	return Layer{
		Desc: v1.Descriptor{MediaType: c.MediaType, Digest: c.Digest, Size: int64(len(c.Bytes))},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.Bytes)), nil },
	}
}

// blobs are all layers and configurations.
func (x Index) blobs() []Layer {
	var out []Layer
	for _, image := range x.Images {
		out = append(append(out, image.Layers...), image.Config.layer())
	}
	return out
}

// documents are the manifests of the platforms and, last, the index.
func (x Index) documents() []Content {
	var out []Content
	for _, image := range x.Images {
		out = append(out, image.Manifest)
	}
	return append(out, x.Content)
}
