package registrydir_test

import (
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

// layer is one of a store's layers as go-containerregistry pushes it.
type layer struct {
	store *registrydirtest.Store
	desc  v1.Descriptor
}

func (l layer) Digest() (v1.Hash, error)            { return l.desc.Digest, nil }
func (l layer) Compressed() (io.ReadCloser, error)  { return l.store.Open(l.desc.Digest) }
func (l layer) Size() (int64, error)                { return l.desc.Size, nil }
func (l layer) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }
