// Package transfer finds out which blobs a set of images consists of and moves them into the store.
package transfer

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

var errSkeleton = errors.New("not written yet")

// Options say with what a Transfer works.
type Options struct {
	Client   *registry.Client
	Store    *store.Store
	Reporter *progress.Reporter
	Jobs     int
}

// Request asks for one image.
type Request struct {
	// Ref is what the image is called.
	Ref reference.Reference
	// Maybe says that the build goes on without it when it does not resolve.
	Maybe bool
	// Sources are where it may be fetched, in the order to try; Ref itself when empty.
	Sources []reference.Reference
	// Platforms are the wanted ones: linux/amd64, linux/arm64.
	Platforms []string
}

// Image is a resolved request.
type Image struct {
	Ref, Source reference.Reference
	// Index is what the tag or digest answered when that is an index.
	Index     *registry.Manifest
	Platforms map[string]PlatformImage
}

// PlatformImage is the image of one platform.
type PlatformImage struct {
	Manifest registry.Manifest
	Config   v1.Descriptor
	Layers   []v1.Descriptor
}

// Dropped is a maybe that did not resolve, in whole or for some platforms.
type Dropped struct {
	Ref       reference.Reference
	Platforms []string
	Reason    string
}

// Resolution is what the requests resolved to.
type Resolution struct {
	Images  []Image
	Dropped []Dropped
}

// Plan is every blob that is needed, once.
type Plan struct {
	Blobs []Blob
	// Total counts a blob for every image and platform that has it, Unique once, Stored what the store has of Unique. Bytes.
	Total, Unique, Stored int64
	Images                []PlannedImage
}

// Blob is one blob of a plan.
type Blob struct {
	Desc    v1.Descriptor
	Sources []reference.Reference
	Stored  bool
	// Images are those that have the blob.
	Images []string
}

// PlannedImage is one image for one platform, for a table.
type PlannedImage struct {
	Ref                reference.Reference
	Platform           string
	Digest             v1.Hash
	Blobs              int
	Total, New, Stored int64
}

// FetchOptions say what happens beside the fetch.
type FetchOptions struct {
	// OnBlob is told of each blob that is in the store, those that were there before first. It is called from many goroutines.
	OnBlob func(v1.Descriptor)
}

// Transfer resolves, plans and fetches.
type Transfer struct{}

func New(o Options) *Transfer { return &Transfer{} }
func (t *Transfer) Resolve(ctx context.Context, requests []Request) (Resolution, error) {
	return Resolution{}, errSkeleton
}
func (t *Transfer) Plan(r Resolution) Plan                                  { return Plan{} }
func (t *Transfer) Fetch(ctx context.Context, p Plan, o FetchOptions) error { return errSkeleton }
func (t *Transfer) FromArchive(ctx context.Context, kind string, file io.ReaderAt, size int64, ref reference.Reference, platforms []string) (Image, error) {
	return Image{}, errSkeleton
}
