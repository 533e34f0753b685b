package assemble

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// LayerMaker makes the layer of one blob when its facts are known.
type LayerMaker func(layer.Facts) Layer

// BlobLayers gives the blobs of a registry directory that become layers of their own. They are known before any blob is there, so that each layer can
// go out as soon as its blob has come in. Hashes says that what the registry directory's files give is hashed by their source, as a content store does.
func BlobLayers(r Registry, hashes bool) (map[v1.Hash]LayerMaker, error) {
	parts, err := splitRegistry(r)
	if err != nil {
		return nil, err
	}
	out := make(map[v1.Hash]LayerMaker, len(parts.blobs))
	for _, f := range parts.blobs {
		out[f.Blob] = makerOf(f, hashes)
	}
	return out, nil
}

func makerOf(f registrydir.File, hashes bool) LayerMaker {
	return func(facts layer.Facts) Layer {
		l := newLayer(facts, f.Blob, blobOpener(f, facts))
		if hashes {
			l.Open = blobOpener(f, facts)
		}
		return l
	}
}
