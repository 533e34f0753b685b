// Package transfer finds out which blobs a set of images consists of, for all platforms at once, and moves them into
// the store: everything is resolved first, then one queue of unique blobs is worked off, and idle connections help
// with the blobs that would take longest.
package transfer

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

// helpAfter is how long a blob must still take before an idle connection takes over half of what is left of it.
const helpAfter = 250 * time.Millisecond

// Options say with what a Transfer works. Client and Store are needed.
type Options struct {
	Client   *registry.Client
	Store    *store.Store
	Reporter *progress.Reporter
	// Clock is the wall clock when nil.
	Clock registry.Clock
	// Believe is how long the store's memory of what a tag resolved to is taken for true. 0 asks the registry always.
	Believe time.Duration
	// HelpAfter is how long a blob must still take before it is split among idle connections; 0 is a quarter of a
	// second, a negative time splits whatever is long enough.
	HelpAfter time.Duration
}

// Transfer resolves, plans and fetches.
type Transfer struct {
	options  Options
	client   *registry.Client
	store    *store.Store
	reporter *progress.Reporter
	clock    registry.Clock
}

// New makes a Transfer.
func New(o Options) *Transfer {
	if o.Clock == nil {
		o.Clock = registry.WallClock{}
	}
	if o.HelpAfter == 0 {
		o.HelpAfter = helpAfter
	}
	return &Transfer{options: o, client: o.Client, store: o.Store, reporter: o.Reporter, clock: o.Clock}
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
	// Ref is what was asked for, Source what answered.
	Ref, Source reference.Reference
	// Sources are all places the blobs may come from, Source first.
	Sources []reference.Reference
	// Index is what the tag or digest answered when that is an index.
	Index *registry.Manifest
	// Platforms has the image of each wanted platform by its word.
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
	// Reason is one line for a warning.
	Reason string
}

// Resolution is what the requests resolved to, in their order.
type Resolution struct {
	Images  []Image
	Dropped []Dropped
}
