package assemble

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// readDocker reads the form of docker save. It names no digests of layers, so they are read once, and the manifest is
// made here.
func readDocker(f files) (Index, error) {
	b, err := f.small(dockerFile)
	if err != nil {
		return Index{}, err
	}
	var images []dockerImage
	if err := json.Unmarshal(b, &images); err != nil {
		return Index{}, fmt.Errorf("read %s: %w", dockerFile, err)
	}
	if len(images) != 1 || len(images[0].Layers) > maxLayers {
		return Index{}, fmt.Errorf("%s names %d images, and one is needed", dockerFile, len(images))
	}
	img, err := dockerContent(f, images[0])
	if err != nil {
		return Index{}, err
	}
	x, err := NewIndex([]Image{img}, nil)
	if tags := images[0].RepoTags; len(tags) > 0 {
		x.Name = tags[0]
	}
	return x, err
}

func dockerContent(f files, d dockerImage) (Image, error) {
	text, err := f.small(clean(d.Config))
	if err != nil {
		return Image{}, err
	}
	config := Content{MediaType: types.OCIConfigJSON, Digest: digestOf(text), Bytes: text}
	img := Image{Config: config}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config.Descriptor()}
	for _, name := range d.Layers {
		l, err := dockerLayer(f, clean(name))
		if err != nil {
			return Image{}, err
		}
		m.Layers = append(m.Layers, l.Desc)
		img.Layers = append(img.Layers, l)
	}
	if img.Manifest, err = document(types.OCIManifestSchema1, m); err != nil {
		return Image{}, err
	}
	return img, img.describe(nil)
}

// clean makes a name of an archive relative to its root.
func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// dockerLayer hashes a layer and says from its first bytes how it is compressed.
func dockerLayer(f files, name string) (Layer, error) {
	r, err := f.open(name)
	if err != nil {
		return Layer{}, fmt.Errorf("read layer: %w", err)
	}
	defer r.Close()
	b := bufio.NewReaderSize(r, 1<<20)
	head, _ := b.Peek(4)
	mt := types.OCIUncompressedLayer
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		mt = types.OCILayer
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		mt = types.OCILayerZStd
	}
	h := sha256.New()
	n, err := io.Copy(h, b)
	if err != nil {
		return Layer{}, fmt.Errorf("read layer %s: %w", name, err)
	}
	d := v1.Descriptor{MediaType: mt, Size: n, Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}}
	return Layer{Desc: d, Open: checked(d, func() (io.ReadCloser, error) { return f.open(name) })}, nil
}
