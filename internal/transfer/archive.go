package transfer

import (
	"context"
	"errors"
	"io"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// FromArchive takes an image out of an archive into the store.
func (t *Transfer) FromArchive(ctx context.Context, kind string, file io.ReaderAt, size int64, ref reference.Reference, platforms []string) (Image, error) {
	return Image{}, errors.New("not written yet")
}
