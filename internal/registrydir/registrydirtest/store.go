// Package registrydirtest makes small container images for tests of registry directories.
package registrydirtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// Store keeps blobs in memory. It is a [registrydir.Content].
type Store struct {
	mu    sync.Mutex
	blobs map[v1.Hash][]byte
	// FailAfter, where it is above zero, lets as many exports succeed and fails the others.
	FailAfter int
	exports   int
}

// ErrFail is what an export fails with that FailAfter refuses.
var ErrFail = errors.New("no more exports")

// NewStore makes an empty store.
func NewStore() *Store { return &Store{blobs: map[v1.Hash][]byte{}} }

// Put stores bytes and describes them.
func (s *Store) Put(mediaType types.MediaType, b []byte) v1.Descriptor {
	h, n, err := v1.SHA256(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	s.Set(h, b)
	return v1.Descriptor{MediaType: mediaType, Digest: h, Size: n}
}

// Set stores bytes under any digest, wrong ones as well.
func (s *Store) Set(h v1.Hash, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[h] = bytes.Clone(b)
}

// Get is the bytes of a digest.
func (s *Store) Get(h v1.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[h]
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", h, fs.ErrNotExist)
	}
	return b, nil
}

// Exports is how many blobs were exported.
func (s *Store) Exports() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exports
}

// Open implements [registrydir.Content]. The reader cannot seek.
func (s *Store) Open(h v1.Hash) (io.ReadCloser, error) {
	b, err := s.Get(h)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b))), nil
}

// Export implements [registrydir.Content].
func (s *Store) Export(h v1.Hash, dst string) error {
	b, err := s.Get(h)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.exports++
	fail := s.FailAfter > 0 && s.exports > s.FailAfter
	s.mu.Unlock()
	if fail {
		return ErrFail
	}
	return os.WriteFile(dst, b, 0o444)
}

// Family is the media types of an image: Docker's or OCI's.
type Family struct{ Manifest, Index, Config, Layer types.MediaType }

// The two families of images.
var (
	Docker = Family{types.DockerManifestSchema2, types.DockerManifestList, types.DockerConfigJSON, types.DockerLayer}
	OCI    = Family{types.OCIManifestSchema1, types.OCIImageIndex, types.OCIConfigJSON, types.OCILayer}
)

// Image makes an image of the platform with layers of these texts.
func (s *Store) Image(f Family, platform string, layers ...string) registrydir.Image {
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		panic(err)
	}
	m := v1.Manifest{SchemaVersion: 2, MediaType: f.Manifest}
	diffs := []v1.Hash{}
	for _, text := range layers {
		d := s.Put(f.Layer, []byte(text))
		diffs = append(diffs, d.Digest)
		m.Layers = append(m.Layers, d)
	}
	m.Config = s.Put(f.Config, mustJSON(v1.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffs},
	}))
	desc := s.Put(f.Manifest, mustJSON(m))
	desc.Platform = p
	return registrydir.Image{Manifest: desc, Blobs: append([]v1.Descriptor{m.Config}, m.Layers...)}
}

// Index makes an index of images.
func (s *Store) Index(f Family, images ...registrydir.Image) *v1.Descriptor {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: f.Index}
	for _, i := range images {
		index.Manifests = append(index.Manifests, i.Manifest)
	}
	d := s.Put(f.Index, mustJSON(index))
	return &d
}

// As is the image wanted as ref, answered with the index where there is one.
func As(ref string, image registrydir.Image, index *v1.Descriptor) registrydir.Image {
	r, err := reference.Parse(ref)
	if err != nil {
		panic(err)
	}
	image.Ref, image.Index = r, index
	return image
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
