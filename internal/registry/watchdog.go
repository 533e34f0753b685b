package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stallPeriod is how long a request may go without leastProgress bytes.
	stallPeriod   = 30 * time.Second
	leastProgress = 16 << 10
	// uploadPatience is how many such periods an upload may take: after the last byte a registry may still hash,
	// copy and store for minutes.
	uploadPatience = 10
)

// watchdog ends a request that makes no progress.
type watchdog struct {
	ctx    context.Context
	clock  Clock
	cancel context.CancelCauseFunc
	moved  atomic.Int64

	mu             sync.Mutex
	patience, idle int32
	ended          bool
	disarm         func() bool
}

func (c *Client) watch(ctx context.Context) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{ctx: ctx, clock: c.clock, cancel: cancel, patience: 1}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disarm = c.clock.AfterFunc(stallPeriod, w.look)
	return ctx, w
}

func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if w.moved.Swap(0) >= leastProgress {
		w.idle = 0
	} else if w.idle++; w.idle >= w.patience {
		w.cancel(fmt.Errorf("%w: less than %d bytes in %s", ErrStalled, leastProgress, stallPeriod*time.Duration(w.idle)))
		return
	}
	w.disarm = w.clock.AfterFunc(stallPeriod, w.look)
}

// allow sets how many periods without progress are allowed.
func (w *watchdog) allow(periods int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience = periods
}

// stop ends the watch and frees the request.
func (w *watchdog) stop() {
	w.mu.Lock()
	w.ended = true
	w.disarm()
	w.mu.Unlock()
	w.cancel(context.Canceled)
}

// cause is why the request ended: the watchdog's or the caller's reason rather than the transport's.
func (w *watchdog) cause(err error) error {
	if c := context.Cause(w.ctx); c != nil && !errors.Is(err, c) {
		return c
	}
	return err
}

// watchedBody is the body of an upload whose progress counts. A transport may go on reading a body after the answer
// came; once this one is closed it reads no more, so that the content can be opened again for another try.
type watchedBody struct {
	watch *watchdog

	mu      sync.Mutex
	content io.ReadCloser
	closed  bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, io.ErrClosedPipe
	}
	n, err := b.content.Read(p)
	b.watch.moved.Add(int64(n))
	return n, err
}

// sectioned is content that can tell where its bytes lie, so that those of a file need not be read.
type sectioned interface {
	// Section gives what comes next: bytes, or, where there are none, the next n bytes of the file from where it stands. All
	// of it counts as read.
	Section() (b []byte, f *os.File, n int64, err error)
}

// isSectioned says whether Section can be called.
func (b *watchedBody) isSectioned() bool {
	c, ok := b.content.(*counted)
	if ok {
		_, ok = c.ReadCloser.(sectioned)
	}
	return ok
}

// Section takes the next section, as Read takes bytes. What it tells is sent without the lock: a registry that answers early
// may not be waited for.
func (b *watchedBody) Section() (p []byte, f *os.File, n int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, 0, io.ErrClosedPipe
	}
	p, f, n, err = b.content.(*counted).Section()
	b.watch.moved.Add(n)
	return p, f, n, err
}

// Close waits for a Read under way.
func (b *watchedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.content.Close()
}

// end closes the body, if there is one.
func (b *watchedBody) end() {
	if b != nil {
		b.Close()
	}
}

// response is an answer whose body counts as progress and whose end gives the turn back.
type response struct {
	*http.Response
	watch      *watchdog
	sent       *watchedBody
	redirected bool
	release    func()
	moved      func(int64)
	closed     bool
}

// Read reads the body.
func (r *response) Read(p []byte) (int, error) {
	n, err := r.Body.Read(p)
	r.watch.moved.Add(int64(n))
	if r.moved != nil && n > 0 {
		r.moved(int64(n))
	}
	if err != nil && err != io.EOF {
		err = r.watch.cause(err)
	}
	return n, err
}

// Close ends the answer.
func (r *response) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.Body.Close()
	r.watch.stop()
	r.sent.end()
	if r.release != nil {
		r.release()
	}
	return err
}

// drain reads a short rest so that the connection can be used again, and closes.
func (r *response) drain() {
	io.CopyN(io.Discard, r.Body, 16<<10)
	r.Close()
}
