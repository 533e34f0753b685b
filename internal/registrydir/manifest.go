package registrydir

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// maxManifest is the limit that registries set.
	maxManifest = 4 << 20
	maxConfig   = 16 << 20
)

// manifest is what image manifests and indexes of both families say of their content.
type manifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Config        *v1.Descriptor  `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
	Manifests     []v1.Descriptor `json:"manifests"`
}

// parseManifest refuses what is not a manifest, and what could be read as an image and as an index.
func parseManifest(b []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("is not a manifest: %w", err)
	}
	switch {
	case m.SchemaVersion == 1:
		return m, errors.New("is a manifest of schema 1, which registries and runtimes have given up: push the image anew")
	case (m.Config != nil || m.Layers != nil) && m.Manifests != nil:
		return m, errors.New("is both an image and an index")
	case m.MediaType == "" && m.Config == nil && m.Manifests == nil:
		return m, errors.New("is neither an image manifest nor an index")
	}
	m.MediaType = m.mediaType()
	if !m.MediaType.IsIndex() && m.Config == nil {
		return m, errors.New("is a manifest without a config")
	}
	return m, nil
}

// mediaType is what the manifest calls itself; the OCI specification lets it leave that out.
func (m manifest) mediaType() types.MediaType {
	switch {
	case m.MediaType != "":
		return m.MediaType
	case m.Manifests != nil:
		return types.OCIImageIndex
	}
	return types.OCIManifestSchema1
}

// blobs are the config and the layers.
func (m manifest) blobs() []v1.Descriptor {
	if m.Config == nil {
		return m.Layers
	}
	return append([]v1.Descriptor{*m.Config}, m.Layers...)
}

// hasPlatform tells whether the config is one that says a platform: a container image's.
func (m manifest) hasPlatform() bool {
	return m.Config != nil && (m.Config.MediaType == types.DockerConfigJSON || m.Config.MediaType == types.OCIConfigJSON)
}

func (d *Dir) manifest(h v1.Hash) (manifest, []byte, error) {
	b, err := d.readAll(h, maxManifest)
	if err != nil {
		return manifest{}, nil, err
	}
	m, err := parseManifest(b)
	return m, b, err
}

// platform is what the image's config says. It is nil for what is not a container image.
func (d *Dir) platform(m manifest) (*v1.Platform, error) {
	if !m.hasPlatform() {
		return nil, nil
	}
	b, err := d.readAll(m.Config.Digest, maxConfig)
	if err != nil {
		return nil, err
	}
	var c struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s is not an image config: %w", m.Config.Digest, err)
	}
	return &v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}, nil
}

// serves tells whether a node of the wanted platform runs an image of the platform p.
func serves(p, wanted v1.Platform) bool {
	return p.OS == wanted.OS && p.Architecture == wanted.Architecture && (p.Variant == "" || wanted.Variant == "" || p.Variant == wanted.Variant)
}
