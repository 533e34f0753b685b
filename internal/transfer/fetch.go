package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/store"
)

// FetchOptions say what happens beside the fetch.
type FetchOptions struct {
	// OnBlob is told of each blob as soon as the store has it: first of those that were there before, then, from many
	// goroutines, of the others. It must not block for long.
	OnBlob func(v1.Descriptor)
	// SkipLayers does not work out, while the bytes pass by, what a build will need: see [store.Ingest.SkipLayer]. It is
	// for those who build nothing.
	SkipLayers bool
	// InTurn is for those who pass each blob on as soon as it is there: large ones come in pieces over several connections,
	// so that the largest is whole early, in place of all of them late. Pieces cost requests.
	InTurn bool
}

// busyWait is how long until a blob that another process is taking in is looked at again.
const busyWait = 100 * time.Millisecond

// Fetch brings every blob of the plan that the store does not have. One blob that fails does not stop the others: a
// [FetchError] names every image that is not complete. A full disk does stop it, as does the context; what has come so
// far is kept and not fetched again. When a reader of the store meets [store.ErrCorrupt], fetching the same plan once
// more mends it.
func (t *Transfer) Fetch(ctx context.Context, p Plan, o FetchOptions) error {
	if o.OnBlob == nil {
		o.OnBlob = func(v1.Descriptor) {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &fetch{transfer: t, onBlob: o.OnBlob, skipLayers: o.SkipLayers, inTurn: o.InTurn, cancel: cancel, lanes: map[string]*lane{}}
	f.changed = sync.NewCond(&f.mu)
	missing := f.reuse(p)
	if err := t.room(missing); err != nil {
		return fmt.Errorf("fetch images: %w", err)
	}
	for i := range missing {
		f.enqueue(&download{fetch: f, blob: missing[i]})
	}
	f.run(ctx)
	return f.result(ctx)
}

// room asks for the space of all blobs before the first.
func (t *Transfer) room(missing []Blob) error {
	var need int64
	for _, b := range missing {
		need += max(b.Desc.Size-t.store.Reserved(b.Desc), 0)
	}
	return t.store.Room(need)
}

// fetch is one call of Fetch.
type fetch struct {
	transfer   *Transfer
	onBlob     func(v1.Descriptor)
	skipLayers bool
	inTurn     bool
	cancel     context.CancelCauseFunc

	mu      sync.Mutex
	changed *sync.Cond
	lanes   map[string]*lane
	pending int
	failed  []FailedBlob
	workers sync.WaitGroup
}

// lane is the blobs to come from one host.
type lane struct {
	host   string
	queue  queue
	active []*download
	// idle says that a turn at the host is there and nothing to use it for.
	idle bool
}

// reuse reports what the store has and returns what it has not.
func (f *fetch) reuse(p Plan) []Blob {
	t := f.transfer
	var missing []Blob
	var bytes int64
	for _, b := range p.Blobs {
		if size, ok := t.store.Has(b.Desc.Digest); !ok || size != b.Desc.Size {
			missing = append(missing, b)
			bytes += b.Desc.Size
			continue
		}
		f.reused(b)
	}
	t.reporter.Expect(progress.Fetch, len(missing), bytes)
	return missing
}

func (f *fetch) reused(b Blob) {
	r := f.transfer.reporter.Transfer(progress.Reuse, b.name(), b.Desc.Size)
	r.Add(b.Desc.Size)
	r.Done(nil)
	f.onBlob(b.Desc)
}

// name is the blob for a reader: one image that has it, and the beginning of its digest.
func (b Blob) name() string {
	name := b.Desc.Digest.String()[:19]
	if len(b.Images) > 0 {
		name = b.Images[0] + " " + name
	}
	return name
}

func (f *fetch) enqueue(d *download) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending++
	f.push(d)
}

// push puts a download into the lane of its source. A blob without a source has failed. The caller has the lock.
func (f *fetch) push(d *download) {
	if d.source >= len(d.blob.Sources) {
		f.end(d, errors.New("nothing says where it can be fetched"))
		return
	}
	host := d.blob.Sources[d.source].Host
	l, ok := f.lanes[host]
	if !ok {
		l = &lane{host: host}
		f.lanes[host] = l
	}
	l.queue.push(d)
	f.changed.Broadcast()
}

// end notes the end of a download. The caller has the lock.
func (f *fetch) end(d *download, err error) {
	f.pending--
	if err != nil {
		f.failed = append(f.failed, FailedBlob{d.blob.Desc, d.blob.Images, err})
	}
	f.changed.Broadcast()
}

// run gives every lane a dispatcher. A lane for a further source may appear while others run.
func (f *fetch) run(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changed.Broadcast()
	})()
	lanes, ended := context.WithCancel(ctx)
	defer f.workers.Wait()
	defer ended() // nobody waits any longer for a turn at a host that asked for a pause
	started := map[*lane]bool{}
	f.mu.Lock()
	for f.pending > 0 && ctx.Err() == nil {
		for _, l := range f.lanes {
			if !started[l] {
				started[l] = true
				f.workers.Go(func() { f.dispatch(ctx, lanes, l) })
			}
		}
		f.changed.Wait()
	}
	f.mu.Unlock()
}

// dispatch takes one turn at the host after another and gives each something to do.
func (f *fetch) dispatch(ctx, lanes context.Context, l *lane) {
	for {
		lease, err := f.transfer.client.Lease(lanes, l.host)
		if err != nil {
			return
		}
		d, s := f.next(ctx, l)
		if d == nil {
			lease.Release()
			return
		}
		f.workers.Go(func() {
			defer lease.Release()
			d.work(ctx, l, lease, s)
		})
	}
}

// next waits for a piece of a blob that has begun, a blob to begin or one to help with: half of what is left of the segment
// that would take longest. It gives nil when there will be none.
func (f *fetch) next(ctx context.Context, l *lane) (*download, *segment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { l.idle = false }()
	for f.pending > 0 && ctx.Err() == nil {
		if d, s := l.piece(); d != nil {
			return d, s
		}
		if d := l.queue.pop(); d != nil {
			return d, nil
		}
		if d, s := f.help(l); d != nil {
			return d, s
		}
		l.idle = true
		f.changed.Wait()
	}
	return nil, nil
}

// piece takes a piece of a blob under way, unless a small blob is next. The caller has the fetch's lock.
func (l *lane) piece() (*download, *segment) {
	if l.queue.smallIsNext() {
		return nil, nil
	}
	for _, d := range l.active {
		if s := d.join(); s != nil {
			l.queue.given++
			return d, s
		}
	}
	return nil, nil
}

// help finds the segment that would take longest and splits it.
func (f *fetch) help(l *lane) (*download, *segment) {
	var slowest *download
	longest := time.Duration(0)
	for _, d := range l.active {
		if left, ok := d.left(); ok && left >= longest {
			slowest, longest = d, left
		}
	}
	if slowest == nil {
		return nil, nil
	}
	s := slowest.split()
	if s == nil {
		return nil, nil
	}
	return slowest, s
}

// wake lets an idle dispatcher look again whether it can help.
func (f *fetch) wake(l *lane) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.idle {
		f.changed.Broadcast()
	}
}

func (f *fetch) activate(l *lane, d *download) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.active = append(l.active, d)
	f.changed.Broadcast() // it may have pieces
}

func (f *fetch) deactivate(l *lane, d *download) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, a := range l.active {
		if a == d {
			l.active = append(l.active[:i], l.active[i+1:]...)
			return
		}
	}
}

// done is called once for every download, with its end.
func (f *fetch) done(d *download, err error) {
	var full *store.SpaceError
	if errors.As(err, &full) {
		f.cancel(err)
	}
	if err == nil {
		f.onBlob(d.blob.Desc)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end(d, err)
}

// later puts a download back into the queue after a while.
func (f *fetch) later(d *download) {
	f.transfer.clock.AfterFunc(busyWait, func() { f.again(d) })
}

func (f *fetch) again(d *download) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.push(d)
}

func (f *fetch) result(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("fetch images: %w", err)
	}
	if len(f.failed) > 0 {
		return &FetchError{f.failed}
	}
	return nil
}
