// Package publish pushes a multi-platform index to registries: layers as soon as they are there, then manifests, then the index, then the tag, and
// reads back what it wrote. A tag that stands is not overwritten by accident.
//
// The order makes a push that dies harmless: until the tag is set at the very end nobody sees anything of it, and the next push finds the blobs that
// went out.
package publish

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// Client is what is asked of a registry client. [registry.Client] fits.
type Client interface {
	Manifest(ctx context.Context, repo reference.Reference, tagOrDigest string) (registry.Manifest, error)
	HeadManifest(ctx context.Context, repo reference.Reference, tagOrDigest string) (v1.Descriptor, error)
	HasRepository(ctx context.Context, repo reference.Reference) (bool, error)
	HasBlob(ctx context.Context, repo reference.Reference, d v1.Hash) (bool, error)
	Mount(ctx context.Context, repo reference.Reference, d v1.Hash, fromPath string) (bool, error)
	PutBlob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, open func() (io.ReadCloser, error), progress func(n int64)) error
	PutManifest(ctx context.Context, repo reference.Reference, tagOrDigest string, mt types.MediaType, b []byte) (v1.Hash, error)
}

var _ Client = (*registry.Client)(nil)

// Places remembers in which repositories of a registry a blob was put, so that another repository there gets it without an upload. The content store
// is one.
type Places interface {
	Placed(host string, d v1.Hash) []string
	Place(host, repo string, d v1.Hash) error
}

// Target is a tag to set.
type Target struct {
	// Ref names the registry, the repository and the tag.
	Ref reference.Reference
	// Moving allows to replace what the tag names, as long as that is what it named when the push was checked.
	Moving bool
	// Force replaces whatever the tag names.
	Force bool
}

// Standing is a target and what its tag names before anything is done.
type Standing struct {
	Target
	// Present is the digest that the tag names; it is zero when there is no such tag.
	Present v1.Hash
}

// exists says whether the tag names anything.
func (s Standing) exists() bool { return s.Present != v1.Hash{} }

// Held says that the tag exists and is fixed: it will be refused unless the digest turns out to be the same, and nothing is uploaded before that is
// known. It is worth a word to the user before a long run.
func (s Standing) Held() bool { return s.exists() && !s.Moving && !s.Force }

// Options are what a [Session] works with.
type Options struct {
	Client Client
	// Places may be nil: then nothing is mounted.
	Places Places
	// Reporter may be nil.
	Reporter *progress.Reporter
	// Jobs is how many blobs go to one repository at a time; zero means 32. The client holds to fewer where a registry asks for it.
	Jobs int
	// Refetch looks at a blob whose bytes turned out to be damaged, before they were sent or where they arrived, and brings it anew if the store's
	// are; nil gives up at once.
	Refetch func(ctx context.Context, blob v1.Hash) error
}

// Push checks the targets and pushes an index to all of them: what [Check], [Begin] and [Session.Finish] do one after the other.
func Push(ctx context.Context, o Options, index Index, targets []Target) ([]Report, error) {
	standing, err := Check(ctx, o.Client, targets)
	if err != nil {
		return nil, err
	}
	s := Begin(ctx, o, standing)
	defer s.Close()
	return s.Finish(ctx, index)
}
