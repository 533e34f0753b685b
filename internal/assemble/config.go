package assemble

import (
	"fmt"
	"maps"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/labring-actions/cluster-image/internal/kubefile"
)

// document makes config and manifest of an image.
func (in Input) document(build kubefile.Build, layers []Layer) (Image, error) {
	platform, err := v1.ParsePlatform(in.Platform)
	if err != nil {
		return Image{}, fmt.Errorf("read platform: %w", err)
	}
	config, err := document(types.OCIConfigJSON, in.config(build, *platform, layers))
	if err != nil {
		return Image{}, err
	}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config.Descriptor(), Annotations: maps.Clone(in.Annotations)}
	for _, l := range layers {
		m.Layers = append(m.Layers, l.Desc)
	}
	manifest, err := document(types.OCIManifestSchema1, m)
	return Image{Platform: *platform, Config: config, Manifest: manifest, Layers: layers}, err
}

func (in Input) config(build kubefile.Build, p v1.Platform, layers []Layer) v1.ConfigFile {
	created := v1.Time{Time: time.Unix(in.seconds(), 0).UTC()}
	c := v1.ConfigFile{
		Architecture: p.Architecture, OS: p.OS, Variant: p.Variant,
		Author: build.Author, Created: created, Config: build.Config,
		RootFS: v1.RootFS{Type: "layers"},
	}
	if len(in.Labels) > 0 {
		c.Config.Labels = maps.Clone(c.Config.Labels)
		if c.Config.Labels == nil {
			c.Config.Labels = map[string]string{}
		}
		maps.Copy(c.Config.Labels, in.Labels)
	}
	for i, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.DiffID)
		c.History = append(c.History, v1.History{Created: created, CreatedBy: madeBy(build, l, i == len(layers)-1)})
	}
	return c
}

// madeBy is the history of a layer: the instructions for the application's, which is the last.
func madeBy(build kubefile.Build, l Layer, last bool) string {
	switch {
	case l.Blob != (v1.Hash{}):
		return "registry: blob " + l.Blob.String()
	case len(l.Blobs) > 0:
		return fmt.Sprintf("registry: %d blobs", len(l.Blobs))
	case !last:
		return "registry: small blobs, manifests and links"
	}
	var lines []string
	for _, c := range build.Copies {
		lines = append(lines, c.Text)
	}
	return strings.Join(lines, "; ")
}
