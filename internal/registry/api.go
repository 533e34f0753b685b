// Package registry is an OCI distribution client made for moving many bytes fast: HTTP/1.1 over many connections for blobs, limits per host that
// adapt to what the host can take, retries that count, and credentials that go only where they belong.
package registry

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
)

var errSkeleton = errors.New("not written yet")

// ErrNotFound is what every error for a manifest, blob or repository that the registry does not have wraps.
var ErrNotFound = errors.New("not found")

// Options says how registries are reached.
type Options struct {
	Keychain  authn.Keychain
	PlainHTTP []string
	CAFile    string
	Transport http.RoundTripper
	Clock     Clock
	UserAgent string
	Jobs      int
}

// Client talks to registries.
type Client struct{}

// New makes a client.
func New(o Options) (*Client, error) { return nil, errSkeleton }

// Manifest is the bytes of a manifest or index with their media type and digest.
type Manifest struct {
	MediaType types.MediaType
	Digest    v1.Hash
	Bytes     []byte
}

// Body is the content of a blob, or of a part of it, as the registry sends it.
type Body struct {
	io.ReadCloser
	// Offset is where in the blob the content begins.
	Offset int64
	// Length is how many bytes follow.
	Length int64
}

func (c *Client) Manifest(ctx context.Context, repo reference.Reference, tagOrDigest string) (Manifest, error) {
	return Manifest{}, errSkeleton
}

func (c *Client) HeadManifest(ctx context.Context, repo reference.Reference, tagOrDigest string) (v1.Descriptor, error) {
	return v1.Descriptor{}, errSkeleton
}

func (c *Client) Blob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, offset, length int64) (Body, error) {
	return Body{}, errSkeleton
}

func (c *Client) HasBlob(ctx context.Context, repo reference.Reference, d v1.Hash) (bool, error) {
	return false, errSkeleton
}

func (c *Client) Mount(ctx context.Context, repo reference.Reference, d v1.Hash, fromPath string) (bool, error) {
	return false, errSkeleton
}

// PutBlob uploads a blob; progress is told how many more bytes went out, a negative number when an upload starts again.
func (c *Client) PutBlob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, open func() (io.ReadCloser, error), progress func(n int64)) error {
	return errSkeleton
}

func (c *Client) PutManifest(ctx context.Context, repo reference.Reference, tagOrDigest string, mt types.MediaType, b []byte) (v1.Hash, error) {
	return v1.Hash{}, errSkeleton
}
