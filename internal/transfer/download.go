package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

const (
	// bufferSize is one read from a connection and one write to the file; memory is this much for each connection.
	bufferSize = 256 << 10
	// leastFill is how much of a buffer is waited for, so that slow connections do not write crumbs.
	leastFill = 64 << 10
	// leastHelp is the smallest piece that is worth another connection.
	leastHelp = 1 << 20
	// pieceSize is how much of a large blob is asked for at once where blobs are wanted in turn, and maxPieces how many
	// pieces there are, whatever its size.
	pieceSize, maxPieces = 4 << 20, 32
	// minRate is how long a segment must run until its rate means something.
	minRate = 50 * time.Millisecond
	// maxBreaks is how often the transfer of one blob may break off at one source, progress or not.
	maxBreaks = 30
)

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// download is one blob on its way.
type download struct {
	fetch *fetch
	blob  Blob
	// source is which of the blob's sources is asked, corrupt how often the bytes were wrong. Both belong to the one
	// worker that is left when a source is given up.
	source  int
	corrupt int
	tries   []error
	// resumed says that some of the bytes are from an earlier run.
	resumed bool

	ctx    context.Context
	stop   context.CancelCauseFunc
	ingest *store.Ingest
	report *progress.Transfer

	mu       sync.Mutex
	segments []*segment
	workers  int
	breaks   int
	moved    int64 // what the report was told
	idle     int   // breaks without progress between them
	plain    bool
	ranges   bool
	err      error
}

// work is what one turn at the host is used for: to begin the blob when s is nil, else to help with the segment.
func (d *download) work(ctx context.Context, l *lane, lease *registry.Lease, s *segment) {
	if s == nil {
		if !d.begin(ctx) {
			return
		}
		d.fetch.activate(l, d)
		s = d.take()
	}
	for ; s != nil; s = d.take() {
		if !d.segment(l, lease, s) {
			break
		}
	}
	if d.leave() {
		d.fetch.deactivate(l, d)
		d.finish(ctx)
	}
}

// begin opens the ingest. False means that there is nothing to do now.
func (d *download) begin(ctx context.Context) bool {
	ingest, err := d.fetch.transfer.store.Ingest(d.blob.Desc)
	switch {
	case errors.Is(err, store.ErrBusy):
		d.fetch.later(d)
		return false
	case errors.Is(err, store.ErrExists):
		d.exists()
		return false
	case err != nil:
		d.fetch.done(d, err)
		return false
	}
	if d.fetch.skipLayers {
		ingest.SkipLayer()
	}
	d.ingest, d.err, d.breaks, d.idle, d.resumed = ingest, nil, 0, 0, ingest.Have() > 0
	d.ctx, d.stop = context.WithCancelCause(ctx)
	d.segments = nil
	for _, span := range ingest.Missing() {
		d.segments = append(d.segments, d.cut(span)...)
	}
	if d.report == nil {
		d.report = d.fetch.transfer.reporter.Transfer(progress.Fetch, d.blob.name(), d.blob.Desc.Size-ingest.Have())
	}
	d.workers = 1
	return true
}

// exists is for a blob that came into the store by another's hand.
func (d *download) exists() {
	size, _ := d.fetch.transfer.store.Has(d.blob.Desc.Digest)
	var err error
	if size != d.blob.Desc.Size {
		err = fmt.Errorf("blob %s has %d bytes, not %d as the manifest says", d.blob.Desc.Digest, size, d.blob.Desc.Size)
	}
	d.spare()
	d.fetch.done(d, err)
}

// spare takes the blob out of what is expected to come.
func (d *download) spare() {
	if d.report != nil {
		return
	}
	r := d.fetch.transfer.reporter
	r.Expect(progress.Fetch, -1, -d.blob.Desc.Size)
	t := r.Transfer(progress.Reuse, d.blob.name(), d.blob.Desc.Size)
	t.Add(d.blob.Desc.Size)
	t.Done(nil)
}

// leave says whether the one who leaves is the last.
func (d *download) leave() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers--
	return d.workers == 0
}

// left is how long the slowest segment that can be split still takes, and whether there is one worth it.
func (d *download) left() (time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, left := d.slowest()
	return left, left >= 0
}

// segment fetches one segment to its end, through breaks. False ends the worker.
func (d *download) segment(l *lane, lease *registry.Lease, s *segment) bool {
	for {
		before := s.position(d)
		err := d.stream(l, lease, s)
		if err == nil {
			return true
		}
		if errors.Is(err, errNoHelp) {
			return false
		}
		if err := d.broken(s.position(d)-before, err); err != nil {
			d.fail(err)
			return false
		}
	}
}

// broken decides whether a transfer that broke off goes on, and waits until then.
func (d *download) broken(progress int64, err error) error {
	var e *registry.Error
	var full *store.SpaceError
	if errors.As(err, &full) || d.ctx.Err() != nil || errors.Is(err, store.ErrLength) {
		return err
	}
	d.mu.Lock()
	d.breaks++
	d.idle++
	if progress >= leastFill {
		d.idle = 1
	}
	breaks, idle := d.breaks, d.idle
	lies := errors.Is(err, registry.ErrRange) || errors.Is(err, registry.ErrCorrupt)
	if errors.As(err, &e) {
		lies = lies || !d.plain && refusesParts(e.Status)
	}
	d.plain = d.plain || lies
	d.mu.Unlock()
	if e != nil && !lies {
		return err // the client has tried often enough
	}
	if breaks >= maxBreaks {
		return fmt.Errorf("%w, broken off %d times", err, breaks)
	}
	if bad := d.fetch.transfer.client.Backoff(d.ctx, idle); bad != nil {
		return fmt.Errorf("%w, %w", err, bad)
	}
	return nil
}

// refusesParts says whether a status may come of the range that was asked for, so that the whole blob may be had.
func refusesParts(status int) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestedRangeNotSatisfiable, http.StatusNotImplemented}, status)
}

// fail ends all work at the current source.
func (d *download) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
		d.stop(err)
	}
}

// errNoHelp means that a helper is of no use: the registry does not give parts.
var errNoHelp = errors.New("no parts")

// stream fetches a segment in one request.
func (d *download) stream(l *lane, lease *registry.Lease, s *segment) error {
	d.mu.Lock()
	at, end, plain := s.pos, s.end, d.plain
	d.mu.Unlock()
	source := d.blob.Sources[d.source]
	length := end - at
	ask := at
	if plain {
		ask, length = 0, 0
	}
	if length == 0 && d.blob.Desc.Size == 0 {
		return nil
	}
	body, err := lease.Blob(d.ctx, source, d.blob.Desc, ask, length)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := d.learn(s, body); err != nil {
		return err
	}
	if err := skip(body, at-body.Offset); err != nil {
		return fmt.Errorf("get blob %s from %s: %w", d.blob.Desc.Digest, source.Host, err)
	}
	if err := d.copy(l, s, body); err != nil {
		return fmt.Errorf("get blob %s from %s: %w", d.blob.Desc.Digest, source.Host, err)
	}
	return nil
}

// skip reads past what is there already, from a registry that only gives whole blobs.
func skip(r io.Reader, n int64) error {
	if n <= 0 {
		return nil
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for n > 0 {
		m, err := r.Read((*b)[:min(n, bufferSize)])
		n -= int64(m)
		if n > 0 && err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if n > 0 && err != nil {
			return err
		}
	}
	return nil
}

// copy writes what comes to the segment's place, until its end, which a helper may move meanwhile.
func (d *download) copy(l *lane, s *segment, r io.Reader) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		d.mu.Lock()
		at, left := s.pos, s.left()
		d.mu.Unlock()
		if left <= 0 {
			return nil
		}
		want := min(left, bufferSize)
		n, err := io.ReadAtLeast(r, (*b)[:want], int(min(want, leastFill)))
		if n > 0 {
			if _, bad := d.ingest.WriteAt((*b)[:n], at); bad != nil {
				return bad
			}
			d.report.Add(int64(n))
			d.mu.Lock()
			s.pos += int64(n)
			d.moved += int64(n)
			d.mu.Unlock()
			d.fetch.wake(l)
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && int64(n) < left {
			return err
		}
	}
}

// finish is for the last worker: it commits, goes on to the next source, or gives up.
func (d *download) finish(ctx context.Context) {
	defer d.stop(nil)
	err := d.err
	if err == nil {
		err = d.ingest.Commit()
	}
	switch {
	case err == nil:
		d.end(nil)
	case errors.Is(err, store.ErrCorrupt):
		// bytes of an earlier run say nothing about this source
		same := d.resumed || d.corrupt == 0 && d.source+1 >= len(d.blob.Sources)
		d.again(fmt.Errorf("get blob from %s: %w", d.blob.Sources[d.source].Host, err), same)
		return
	default:
		var full *store.SpaceError
		closed := d.ingest.Close()
		if ctx.Err() != nil || errors.As(err, &full) {
			d.end(errors.Join(err, closed))
			return
		}
		d.again(err, false)
	}
}

// again goes on to the next source, or to the same one once more, or ends with every source's error.
func (d *download) again(err error, same bool) {
	d.tries = append(d.tries, err)
	if errors.Is(err, store.ErrCorrupt) {
		d.report.Add(-d.moved) // they must come again
		d.moved = 0
	}
	if errors.Is(err, store.ErrCorrupt) && !d.resumed {
		d.corrupt++
	}
	if !same {
		d.source++
	}
	if d.source >= len(d.blob.Sources) {
		d.end(d.blob.explain(errors.Join(d.tries...)))
		return
	}
	d.plain, d.ranges = false, false
	d.fetch.again(d)
}

// explain adds what a foreign layer needs to be known.
func (b Blob) explain(err error) error {
	if foreign(b.Desc) && registry.IsNotFound(err) {
		return fmt.Errorf("the layer may not be kept in registries (%s) and has to be had from its publisher, which is not supported: %w", b.Desc.MediaType, err)
	}
	return err
}

func (d *download) end(err error) {
	d.report.Done(err)
	d.fetch.done(d, err)
}
