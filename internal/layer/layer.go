// Package layer makes the layers of a cluster image: byte streams that depend on their content alone.
//
// A layer that holds container image blobs is a tar inside gzip with stored blocks only. The blobs are compressed
// already, so nothing is compressed again, the framing costs next to nothing, and since this package writes every
// byte of it (tar headers, gzip header, block headers, trailer) the digest of such a layer never changes: not with
// another Go release, not on another processor. A layer of one blob is virtual: its bytes are made from the blob
// while it is read.
//
// Formats: POSIX.1-2001 ustar and pax, RFC 1951 section 3.2.4 (stored blocks), RFC 1952 (gzip).
package layer

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// MinBlob is the size in bytes from which on a blob of the registry directory gets a layer of its own. Smaller ones
	// share a layer, which is another one as soon as one of them is: all of them together are to be next to nothing.
	MinBlob = 64 << 10
	// MaxBlobs is the largest number of such layers in one image, and MaxGroups the number of layers that the blobs of
	// that size beyond them are divided among. With the layers of links and of files that makes 118: overlay file
	// systems stop at 127.
	MaxBlobs, MaxGroups = 100, 16
	// MediaType is the media type of every layer of this package.
	MediaType = types.OCILayer
	// Root is the directory of the image that holds the registry directory.
	Root = "registry"
)

// Facts are what a manifest and a config have to know about a layer.
type Facts struct {
	// Digest is the SHA-256 of the compressed layer, as the manifest names it.
	Digest v1.Hash
	// DiffID is the SHA-256 of the tar inside, as the config names it.
	DiffID v1.Hash
	// Size is the length of the compressed layer in bytes.
	Size int64
	// Checksum is the CRC-32 of the tar inside, for which the layer would have to be read again; zero when nobody noted it.
	Checksum uint32
}

// BlobPath is where a cluster image keeps the blob: below registry/, in the layout of the distribution registry's
// filesystem driver.
func BlobPath(blob v1.Hash) string {
	short := blob.Hex
	if len(short) > 2 {
		short = short[:2]
	}
	return Root + "/docker/registry/v2/blobs/" + blob.Algorithm + "/" + short + "/" + blob.Hex + "/data"
}
