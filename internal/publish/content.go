package publish

import (
	"bytes"
	"io"

	"github.com/labring-actions/cluster-image/internal/assemble"
)

// What is pushed comes as [assemble] makes it.
type (
	// Content is a manifest, an index or an image configuration.
	Content = assemble.Content
	// Layer is a layer that can be read any number of times.
	Layer = assemble.Layer
	// Image is the image of one platform.
	Image = assemble.Image
	// Index is the images of all platforms and the document that lists them.
	Index = assemble.Index
)

// document makes a blob to upload of a document.
func document(c Content) Layer {
	return Layer{
		Desc: c.Descriptor(),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.Bytes)), nil },
	}
}

// blobs are all layers and configurations.
func blobs(x Index) []Layer {
	var out []Layer
	for _, image := range x.Images {
		out = append(append(out, image.Layers...), document(image.Config))
	}
	return out
}

// documents are the manifests of the platforms and, last, the index.
func documents(x Index) []Content {
	var out []Content
	for _, image := range x.Images {
		out = append(out, image.Manifest)
	}
	return append(out, x.Content)
}
