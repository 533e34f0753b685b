package e2e

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// sample is an image to be put into a registry. The same fields give the same bytes everywhere.
type sample struct {
	// name is REPOSITORY:TAG.
	name string
	// platforms are those of the index. amd64-as-arm64 is an image whose config says another architecture than the index, short-amd64 one whose
	// manifest says that its layer is smaller than it is.
	platforms []string
	// size is that of each platform's layer in bytes.
	size int
}

// noise is size bytes that don't compress and are the same for the same text everywhere.
func noise(text string, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(text))).Read(b) // never fails, by its documentation
	return b
}

// push puts the image into the registry and gives the digest of its index and those of the layers.
func (s sample) push(to *server) (index v1.Hash, layers []v1.Hash, err error) {
	repo, tag, _ := strings.Cut(s.name, ":")
	x := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range s.platforms {
		img, l, err := s.image(to, repo, p)
		if err != nil {
			return index, nil, err
		}
		layers = append(layers, l)
		x = mutate.AppendManifests(x, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: p[strings.LastIndex(p, "-")+1:]}},
		})
	}
	raw, err := x.RawManifest()
	if err != nil {
		return index, nil, err
	}
	if err := to.put(repo, tag, types.OCIImageIndex, raw); err != nil {
		return index, nil, err
	}
	index, err = x.Digest()
	return index, layers, err
}

// image makes the image of a platform and puts it into the registry.
func (s sample) image(to *server, repo, platform string) (v1.Image, v1.Hash, error) {
	short := strings.HasPrefix(platform, "short-")
	arch, _, _ := strings.Cut(strings.TrimPrefix(platform, "short-"), "-")
	layer := static.NewLayer(noise(s.name+" "+platform, s.size), types.OCILayer)
	if short {
		layer = shortLayer{layer}
	}
	img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Config.Cmd = []string{s.name}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return nil, v1.Hash{}, err
	}
	to.mu.Lock()
	to.layers[digestOf(layer).String()] = true
	to.mu.Unlock()
	return img, digestOf(layer), to.putImage(repo, img)
}

// shortLayer says that it is smaller than it is.
type shortLayer struct{ v1.Layer }

// Size is too small.
func (l shortLayer) Size() (int64, error) {
	n, err := l.Layer.Size()
	return n / 2, err
}

func digestOf(l v1.Layer) v1.Hash {
	h, _ := l.Digest() // of static bytes: never fails
	return h
}

// putImage puts blobs and manifest of an image where they are only found by digest.
func (s *server) putImage(repo string, img v1.Image) error {
	config, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	raw, err := img.RawManifest()
	if err != nil {
		return err
	}
	if err := s.send("POST", "/v2/"+repo+"/blobs/uploads/?digest="+m.Config.Digest.String(), "", config); err != nil {
		return err
	}
	for _, l := range layers {
		rc, err := l.Compressed()
		if err != nil {
			return err
		}
		b, err := readAll(rc)
		if err != nil {
			return err
		}
		if err := s.send("POST", "/v2/"+repo+"/blobs/uploads/?digest="+digestOf(l).String(), "", b); err != nil {
			return err
		}
	}
	h, err := img.Digest()
	if err != nil {
		return err
	}
	return s.put(repo, h.String(), m.MediaType, raw)
}

func (s *server) put(repo, tag string, mt types.MediaType, raw []byte) error {
	return s.send("PUT", "/v2/"+repo+"/manifests/"+tag, string(mt), raw)
}

// send asks the registry's own handler, so that nothing of it is counted.
func (s *server) send(method, path, mt string, b []byte) error {
	r := httptest.NewRequest(method, path, strings.NewReader(string(b)))
	r.Header.Set("Content-Type", mt)
	w := httptest.NewRecorder()
	s.next.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return nil
}
