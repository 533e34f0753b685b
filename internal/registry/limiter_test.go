package registry_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
)

// crowd is a blob being read while many wait for a turn at the registry.
type crowd struct {
	*bench
	body registry.Body
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	b := newBench(t, registry.Options{})
	d, _ := b.seed(t, content(40_000_000))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	body, err := b.client.Blob(ctx, b.repo, d, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		go b.client.Lease(ctx, "reg.example") // never released: those who come later wait
	}
	synctest.Wait()
	return &crowd{b, body}
}

// window reads n bytes in 50 ms of the clock and returns the limit after them.
func (c *crowd) window(t *testing.T, n int64) int {
	t.Helper()
	c.clock.Advance(50 * time.Millisecond)
	if _, err := io.CopyN(io.Discard, c.body, n); err != nil {
		t.Fatal(err)
	}
	bulk, _ := c.client.Limits("reg.example")
	return bulk
}

func TestLimitGrowsWhileItPays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		limit := 0
		for i := int64(1); i < 200 && limit < 32; i++ {
			limit = c.window(t, i*1000)
		}
		if limit != 32 {
			t.Errorf("limit %d though each window brought more", limit)
		}
		for range 20 {
			limit = max(limit, c.window(t, 300_000))
		}
		if limit > 32 {
			t.Errorf("limit %d", limit)
		}
	})
}

func TestLimitGoesBackWhenItDoesNotPay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		limit := 0
		for i := 0; i < 500 && limit < 16; i++ {
			limit = c.window(t, 10_000)
		}
		if limit != 16 {
			t.Fatalf("limit %d: the first doubling is always tried", limit)
		}
		for i := 0; i < 500 && limit != 8; i++ {
			limit = c.window(t, 10_000)
		}
		if limit != 8 {
			t.Errorf("limit %d though 16 connections brought no more than 8", limit)
		}
	})
}

// TestUploadsUnderWay counts the uploads that are under way together when nothing moves any more: as many as the limit
// says while they send, and as many as may ever be while the registry stores what it has got.
func TestUploadsUnderWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jobs, want int
		read       bool
	}{
		"sending":              {0, 8, false},
		"stored":               {0, 32, true},
		"sending, few allowed": {3, 3, false},
		"stored, few allowed":  {3, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, registry.Options{Jobs: c.jobs})
				var now atomic.Int64
				open := make(chan struct{})
				b.faults.On("PUT", "uploads/", registrytest.Times(40, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if c.read {
						got, _ := io.ReadAll(r.Body)
						r.Body = io.NopCloser(bytes.NewReader(got))
					}
					now.Add(1)
					<-open
					next.ServeHTTP(w, r)
				})...)
				var all sync.WaitGroup
				for i := range 40 {
					all.Go(func() {
						if _, err := b.put(t, content(1000+i)); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				if got := now.Load(); got != int64(c.want) {
					t.Errorf("%d uploads are under way, not %d", got, c.want)
				}
				close(open)
				all.Wait()
			})
		})
	}
}

func TestLimitGrowsWhileUploadsPay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registry.Options{})
		step := make(chan struct{})
		b.faults.On("PUT", "uploads/", registrytest.Times(64, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			var got bytes.Buffer
			for n := int64(1000); ; n += 1000 { // more each time
				<-step
				if m, err := io.CopyN(&got, r.Body, n); m < n || err != nil {
					break
				}
			}
			r.Body = io.NopCloser(&got)
			next.ServeHTTP(w, r)
		})...)
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				if _, err := b.put(t, content(1_000_000+i)); err != nil {
					t.Error(err)
				}
			})
		}
		limit := 0
		for range 40 {
			synctest.Wait()
			b.clock.Advance(50 * time.Millisecond)
			for range 64 {
				select {
				case step <- struct{}{}:
				default:
				}
			}
			synctest.Wait()
			bulk, _ := b.client.Limits("reg.example")
			limit = max(limit, bulk)
		}
		close(step)
		all.Wait()
		if limit != 32 {
			t.Errorf("the limit was %d at most, though each window brought more", limit)
		}
	})
}
