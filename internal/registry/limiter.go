package registry

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// window is how long a rate is measured before the limit is looked at again, settle how many windows after a change
	// do not count, since connections are being made then.
	window = 50 * time.Millisecond
	settle = 3
	// pays is by how much the rate must rise for a doubled limit to be kept.
	pays = 1.1
	// holdFailed and holdHalved are how long a limit stays after a growth that did not pay, and after a host said that
	// it is too much.
	holdFailed = 3 * time.Second
	holdHalved = 10 * time.Second
)

// limiter bounds the requests under way at one host. It starts small, doubles while requests wait for their turn and
// the doubling pays, and halves when the host complains.
type limiter struct {
	clock   Clock
	ceiling int

	mu    sync.Mutex
	limit int
	busy  int
	// answering are requests that have sent all they had: the host is at work on the answer. They count against the
	// ceiling alone.
	answering int
	waiting   []chan struct{}
	paused    time.Time

	since    time.Time
	amount   int64
	wanted   bool
	settling int
	before   int
	rate     float64
	hold     time.Time
	halved   time.Time
}

func newLimiter(clock Clock, start, ceiling int) *limiter {
	return &limiter{clock: clock, limit: min(start, ceiling), ceiling: ceiling}
}

// acquire waits for a turn, first come first served, and for the end of a pause that the host asked for.
func (l *limiter) acquire(ctx context.Context) error {
	if err := l.turn(ctx); err != nil {
		return err
	}
	for {
		l.mu.Lock()
		wait := l.paused.Sub(l.clock.Now())
		l.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		if err := l.clock.Sleep(ctx, wait); err != nil {
			l.release()
			return err
		}
	}
}

func (l *limiter) turn(ctx context.Context) error {
	l.mu.Lock()
	if len(l.waiting) == 0 && l.free() {
		l.busy++
		l.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	l.waiting = append(l.waiting, mine)
	l.wanted = true
	l.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, mine); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else {
		l.busy--
		l.wake()
	}
	return context.Cause(ctx)
}

func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.wake()
}

// sent takes one who has nothing more to send out of those whom the limit counts: while a host stores a blob, another
// can be on its way. answered ends that.
func (l *limiter) sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.answering++
	l.wake()
}

func (l *limiter) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answering--
	l.wake()
}

func (l *limiter) free() bool { return l.busy < l.limit && l.busy+l.answering < l.ceiling }

// wake lets those who wait in, as far as the limit allows.
func (l *limiter) wake() {
	for len(l.waiting) > 0 && l.free() {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.busy++
	}
}

// moved counts what came of the requests: bytes, or answers where those are small.
func (l *limiter) moved(n int64) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.amount += n
	if l.since.IsZero() {
		l.since = now
	}
	if elapsed := now.Sub(l.since); elapsed >= window {
		l.judge(now, float64(l.amount)/elapsed.Seconds())
		l.since, l.amount, l.wanted = now, 0, len(l.waiting) > 0
		l.wake()
	}
}

// judge looks at the rate of a window.
func (l *limiter) judge(now time.Time, rate float64) {
	switch {
	case l.settling > 0:
		l.settling--
	case now.Before(l.hold) || !l.wanted:
	case l.before > 0 && rate < pays*l.rate:
		l.limit, l.before, l.hold = l.before, 0, now.Add(holdFailed)
	case l.limit < l.ceiling:
		l.before, l.rate, l.limit, l.settling = l.limit, rate, min(2*l.limit, l.ceiling), settle
	}
}

// tooMuch halves the limit, once for all the requests that were under way together, and pauses the host.
func (l *limiter) tooMuch(pause time.Duration) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := now.Add(pause); until.After(l.paused) {
		l.paused = until
	}
	if !l.halved.IsZero() && now.Sub(l.halved) < time.Second {
		return
	}
	l.limit, l.before, l.settling = max(1, l.limit/2), 0, settle
	l.halved, l.hold = now, now.Add(holdHalved)
}

// state is the limit and how many requests count against it.
func (l *limiter) state() (limit, busy int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit, l.busy
}

// Limits are how many requests for blobs and for everything else may now be under way at the host.
func (c *Client) Limits(host string) (bulk, small int) {
	h := c.host(host)
	bulk, _ = h.bulk.state()
	small, _ = h.small.state()
	return bulk, small
}
