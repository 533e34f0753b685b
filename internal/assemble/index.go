package assemble

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// NewIndex makes the OCI index of the images, sorted by platform. Each platform may be there once.
func NewIndex(images []Image, annotations map[string]string) (Index, error) {
	if len(images) == 0 {
		return Index{}, errors.New("make index: there is no image")
	}
	images = slices.SortedFunc(slices.Values(images), func(a, b Image) int {
		return strings.Compare(a.Platform.String(), b.Platform.String())
	})
	m := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: maps.Clone(annotations)}
	for i, img := range images {
		if i > 0 && images[i-1].Platform.Equals(img.Platform) {
			return Index{}, fmt.Errorf("make index: platform %s is there twice", img.Platform.String())
		}
		m.Manifests = append(m.Manifests, img.Descriptor())
	}
	c, err := document(types.OCIImageIndex, m)
	return Index{Content: c, Images: images}, err
}
