package demo

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// blob is content by digest, as a registry holds it.
type blob struct {
	desc  v1.Descriptor
	bytes []byte
}

func newBlob(mt types.MediaType, b []byte) (blob, error) {
	h, size, err := v1.SHA256(bytes.NewReader(b))
	if err != nil {
		return blob{}, fmt.Errorf("hash %s: %w", mt, err)
	}
	return blob{desc: v1.Descriptor{MediaType: mt, Size: size, Digest: h}, bytes: b}, nil
}

// image is a small image of two platforms. The same name gives the same bytes on every machine.
type image struct {
	index     blob
	manifests []blob
	blobs     []blob
}

var platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64", Variant: "v8"}}

// newImage makes the image of a name: a base layer per platform that all images share, and a layer of its own with size bytes.
func newImage(name string, size int) (image, error) {
	var img image
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, p := range platforms {
		manifest, blobs, err := newManifest(name, p, size)
		if err != nil {
			return image{}, err
		}
		manifest.desc.Platform = &p
		index.Manifests = append(index.Manifests, manifest.desc)
		img.manifests = append(img.manifests, manifest)
		img.blobs = append(img.blobs, blobs...)
	}
	var err error
	img.index, err = jsonBlob(types.OCIImageIndex, index)
	return img, err
}

func newManifest(name string, p v1.Platform, size int) (blob, []blob, error) {
	base, baseDiff, err := newLayer("etc/platform", p.String(), 1<<16)
	if err != nil {
		return blob{}, nil, err
	}
	own, ownDiff, err := newLayer("srv/"+name, name+" for "+p.String(), size)
	if err != nil {
		return blob{}, nil, err
	}
	config, err := jsonBlob(types.OCIConfigJSON, v1.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant,
		Config: v1.Config{Cmd: []string{"/srv/" + name}},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{baseDiff, ownDiff}},
	})
	if err != nil {
		return blob{}, nil, err
	}
	manifest, err := jsonBlob(types.OCIManifestSchema1, v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: config.desc, Layers: []v1.Descriptor{base.desc, own.desc},
	})
	return manifest, []blob{config, base, own}, err
}

// newLayer is a compressed tar of one file: its text, and then bytes that don't compress, drawn from the text.
func newLayer(name, text string, size int) (blob, v1.Hash, error) {
	var plain, packed bytes.Buffer
	content := append([]byte(text+"\n"), noise(text, size)...)
	w := tar.NewWriter(&plain)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}); err != nil {
		return blob{}, v1.Hash{}, fmt.Errorf("make layer: %w", err)
	}
	if _, err := w.Write(content); err != nil {
		return blob{}, v1.Hash{}, fmt.Errorf("make layer: %w", err)
	}
	if err := w.Close(); err != nil {
		return blob{}, v1.Hash{}, fmt.Errorf("make layer: %w", err)
	}
	diff, _, err := v1.SHA256(bytes.NewReader(plain.Bytes()))
	if err != nil {
		return blob{}, v1.Hash{}, fmt.Errorf("hash layer: %w", err)
	}
	gz := gzip.NewWriter(&packed)
	if _, err := gz.Write(plain.Bytes()); err != nil {
		return blob{}, v1.Hash{}, fmt.Errorf("compress layer: %w", err)
	}
	if err := gz.Close(); err != nil {
		return blob{}, v1.Hash{}, fmt.Errorf("compress layer: %w", err)
	}
	layer, err := newBlob(types.OCILayer, packed.Bytes())
	return layer, diff, err
}

// noise is size bytes that are the same for the same text everywhere.
func noise(text string, size int) []byte {
	var seed [32]byte
	copy(seed[:], text)
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails, by its documentation
	return b
}

func jsonBlob(mt types.MediaType, v any) (blob, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return blob{}, fmt.Errorf("encode %s: %w", mt, err)
	}
	return newBlob(mt, b)
}
