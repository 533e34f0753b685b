package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/registry"
)

const (
	// maxLayers bounds the layers of an image; overlay file systems stop at 127, builders long before.
	maxLayers = 1000
	// maxBlob bounds the size of one blob: 1 TiB.
	maxBlob = 1 << 40
	// configLimit bounds the size of a config.
	configLimit = 8 << 20
)

// readImage reads an image manifest.
func readImage(m registry.Manifest) (PlatformImage, error) {
	p := PlatformImage{Manifest: m}
	switch {
	case m.MediaType == types.DockerManifestSchema1 || m.MediaType == types.DockerManifestSchema1Signed:
		return p, ErrSchema1
	case !m.MediaType.IsImage():
		return p, fmt.Errorf("%w: its media type is %q", ErrNotImage, m.MediaType)
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(m.Bytes, &manifest); err != nil {
		return p, fmt.Errorf("read manifest %s: %w", m.Digest, err)
	}
	p.Config, p.Layers = manifest.Config, manifest.Layers
	return p, p.check()
}

// check refuses what cannot be an image, before anything of it is fetched.
func (p PlatformImage) check() error {
	if !p.Config.MediaType.IsConfig() && p.Config.MediaType != "" && p.Config.MediaType != "application/octet-stream" {
		return fmt.Errorf("%w: its config is %q", ErrNotImage, p.Config.MediaType)
	}
	if len(p.Layers) > maxLayers {
		return fmt.Errorf("%w: %d layers, at most %d can be", ErrTooDeep, len(p.Layers), maxLayers)
	}
	for _, d := range append([]v1.Descriptor{p.Config}, p.Layers...) {
		if _, err := v1.NewHash(d.Digest.String()); err != nil || d.Size < 0 || d.Size > maxBlob {
			return fmt.Errorf("%w: it lists a blob %q of %d bytes", ErrNotImage, d.Digest, d.Size)
		}
	}
	return nil
}

// blobs are the config and the layers, each once.
func (p PlatformImage) blobs() []v1.Descriptor {
	var out []v1.Descriptor
	for _, d := range append([]v1.Descriptor{p.Config}, p.Layers...) {
		if !slices.ContainsFunc(out, func(o v1.Descriptor) bool { return o.Digest == d.Digest }) {
			out = append(out, d)
		}
	}
	return out
}

// foreign says whether the publisher did not allow the layer to be kept in registries. Most registries have it anyway.
func foreign(d v1.Descriptor) bool {
	return len(d.URLs) > 0 || strings.Contains(string(d.MediaType), "nondistributable") || strings.Contains(string(d.MediaType), "foreign")
}

// configPlatform reads what a config says it is for.
func configPlatform(b []byte) (v1.Platform, error) {
	var c struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return v1.Platform{}, fmt.Errorf("read config: %w", err)
	}
	return v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}, nil
}
