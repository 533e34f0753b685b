package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

const (
	// usualJobs is how many blobs go to a repository at a time unless told otherwise.
	usualJobs = 32
	// mountTries is how many repositories are asked for a mount before the blob is uploaded.
	mountTries = 3
)

// Tally counts what became of the blobs of one repository.
type Tally struct {
	Uploaded, Mounted, Skipped int
	// Bytes is what was uploaded.
	Bytes int64
}

// repository takes the blobs of all targets of one repository, each of them once.
type repository struct {
	ref  reference.Reference
	o    Options
	jobs chan struct{}
	// tagged says that a tag of the repository is known to exist, and so the repository.
	tagged bool
	look   sync.Once
	isNew  bool

	mu     sync.Mutex
	sent   map[v1.Hash]struct{}
	tally  Tally
	failed error

	wg sync.WaitGroup
}

func newRepository(ref reference.Reference, o Options) *repository {
	jobs := o.Jobs
	if jobs <= 0 {
		jobs = usualJobs
	}
	repo := reference.Reference{Host: ref.Host, Path: ref.Path}
	return &repository{ref: repo, o: o, jobs: make(chan struct{}, jobs), sent: map[v1.Hash]struct{}{}}
}

// offer sends a layer on its way unless it is already, or another has failed. Whoever finds a layer on its way can wait for it.
func (r *repository) offer(ctx context.Context, l Layer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.sent[l.Desc.Digest]; again || r.failed != nil {
		return
	}
	r.sent[l.Desc.Digest] = struct{}{}
	r.o.Reporter.Expect(progress.Push, 1, l.Desc.Size)
	r.wg.Go(func() { r.deliver(ctx, l) })
}

// deliver waits for its turn and places the layer.
func (r *repository) deliver(ctx context.Context, l Layer) {
	select {
	case r.jobs <- struct{}{}:
		defer func() { <-r.jobs }()
	case <-ctx.Done():
	}
	if r.err() == nil {
		r.fail(l, r.place(ctx, l))
	}
}

// wait waits for all that was offered, and gives the first thing that went wrong.
func (r *repository) wait() error {
	r.wg.Wait()
	return r.err()
}

func (r *repository) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *repository) fail(l Layer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && r.failed == nil {
		r.failed = fmt.Errorf("upload blob %s (%s): %w", l.Desc.Digest, progress.Bytes(l.Desc.Size), err)
	}
}

// place sees to it that the repository has the layer: it may have it already, another repository of the registry may, and else it is uploaded.
func (r *repository) place(ctx context.Context, l Layer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	has, err := r.has(ctx, l)
	switch {
	case err != nil:
		return err
	case has:
		r.spared(progress.Skip, l, &r.tally.Skipped)
	case r.mount(ctx, l):
		r.spared(progress.Mount, l, &r.tally.Mounted)
	default:
		if err := r.upload(ctx, l); err != nil {
			return err
		}
	}
	r.remember(l)
	return nil
}

// has asks for the layer, unless it cannot be there: the repository is new, and nothing tells that this machine ever put the blob into that registry.
func (r *repository) has(ctx context.Context, l Layer) (bool, error) {
	if r.fresh(ctx) && len(r.o.Places.Placed(r.ref.Host, l.Desc.Digest)) == 0 {
		return false, nil
	}
	return r.o.Client.HasBlob(ctx, r.ref, l.Desc.Digest)
}

// fresh says whether the registry does not know the repository. It is asked once, and only where that can be: blobs without a manifest do not make a
// repository known, so that without a memory of those that a push before this one left there each of them is asked for.
func (r *repository) fresh(ctx context.Context) bool {
	r.look.Do(func() {
		if r.tagged || r.o.Places == nil {
			return
		}
		known, err := r.o.Client.HasRepository(ctx, r.ref)
		r.isNew = err == nil && !known
	})
	return r.isNew
}

// spared counts a blob that need not be uploaded.
func (r *repository) spared(kind progress.Kind, l Layer, count *int) {
	r.o.Reporter.Expect(progress.Push, -1, -l.Desc.Size)
	r.o.Reporter.Transfer(kind, r.name(l), l.Desc.Size).Done(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	*count++
}

// mount asks for the blob out of repositories where it was put before. That it fails is no error: the blob is uploaded then.
func (r *repository) mount(ctx context.Context, l Layer) bool {
	if r.o.Places == nil {
		return false
	}
	tries := 0
	for _, from := range r.o.Places.Placed(r.ref.Host, l.Desc.Digest) {
		if from == r.ref.Path {
			continue
		}
		if ok, err := r.o.Client.Mount(ctx, r.ref, l.Desc.Digest, from); ok && err == nil {
			return true
		}
		if tries++; tries == mountTries {
			break
		}
	}
	return false
}

// upload sends the layer. When the store or the registry finds that the bytes are damaged they are brought anew, once.
func (r *repository) upload(ctx context.Context, l Layer) error {
	err := r.send(ctx, l)
	blobs := l.Blobs
	if (l.Blob != v1.Hash{}) {
		blobs = []v1.Hash{l.Blob}
	}
	if !damaged(err) || r.o.Refetch == nil || len(blobs) == 0 {
		return err
	}
	r.o.Reporter.Warn("layer %s is damaged, and what it is made of is brought anew: %v", l.Desc.Digest, err)
	for _, b := range blobs {
		if err := r.o.Refetch(ctx, b); err != nil {
			return fmt.Errorf("fetch damaged blob %s anew: %w", b, err)
		}
	}
	return r.send(ctx, l)
}

// damaged says whether bytes were found to be wrong: before they left, or by the registry.
func damaged(err error) bool {
	return errors.Is(err, store.ErrCorrupt) || errors.Is(err, registry.ErrCorrupt)
}

func (r *repository) send(ctx context.Context, l Layer) error {
	t := r.o.Reporter.Transfer(progress.Push, r.name(l), l.Desc.Size)
	var sent atomic.Int64
	err := r.o.Client.PutBlob(ctx, r.ref, l.Desc, l.Open, func(n int64) {
		sent.Add(n)
		t.Add(n)
	})
	t.Done(err)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.Uploaded++
	r.tally.Bytes += l.Desc.Size
	return nil
}

// remember notes where the blob is. A store that cannot write costs an upload some day, nothing else.
func (r *repository) remember(l Layer) {
	if r.o.Places != nil {
		_ = r.o.Places.Place(r.ref.Host, r.ref.Path, l.Desc.Digest)
	}
}

func (r *repository) name(l Layer) string {
	return fmt.Sprintf("%s %.19s", r.ref.Repository(), l.Desc.Digest)
}

func (r *repository) counted() Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tally
}
