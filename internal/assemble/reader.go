package assemble

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrCorrupt says that bytes are not what their digest or size says.
var ErrCorrupt = errors.New("content is corrupt")

// opener opens a layer from its beginning.
type opener = func() (io.ReadCloser, error)

// readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
}

// contextReader reads until its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// verified gives what r gives, and ErrCorrupt instead of the end if it was not what the descriptor says.
func verified(r io.Reader, d v1.Descriptor) io.Reader {
	return &verifier{r: r, want: d, hash: sha256.New()}
}

type verifier struct {
	r    io.Reader
	want v1.Descriptor
	hash hash.Hash
	n    int64
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.hash.Write(p[:n])
	v.n += int64(n)
	switch {
	case v.n > v.want.Size:
		return 0, fmt.Errorf("%w: %s has more than %d bytes", ErrCorrupt, v.want.Digest, v.want.Size)
	case err != io.EOF:
		return n, err
	case v.n != v.want.Size:
		return n, fmt.Errorf("%w: %s has %d of %d bytes", ErrCorrupt, v.want.Digest, v.n, v.want.Size)
	}
	if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want.Digest.Hex {
		return n, fmt.Errorf("%w: %s is really sha256:%s", ErrCorrupt, v.want.Digest, got)
	}
	return n, io.EOF
}

// checked makes an opener whose bytes are verified.
func checked(d v1.Descriptor, open opener) opener {
	return func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return readCloser{verified(r, d), r}, nil
	}
}
