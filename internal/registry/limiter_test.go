package registry_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/registry"
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
	return &crowd{b, body}
}

// window reads n bytes in 50 ms of the clock and returns the limit after them.
func (c *crowd) window(t *testing.T, n int64) int {
	t.Helper()
	runtime.Gosched()
	c.clock.Advance(50 * time.Millisecond)
	if _, err := io.CopyN(io.Discard, c.body, n); err != nil {
		t.Fatal(err)
	}
	bulk, _ := c.client.Limits("reg.example")
	return bulk
}

func TestLimitGrowsWhileItPays(t *testing.T) {
	t.Parallel()
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
}

func TestLimitGoesBackWhenItDoesNotPay(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	limit := 0
	for i := 0; i < 500 && limit < 16; i++ {
		limit = c.window(t, 10_000)
	}
	if limit != 16 {
		t.Fatalf("limit %d: the first doubling is always tried", limit)
	}
	for i := 0; i < 500 && limit != 8; i++ { // nothing is judged before those who wait are there
		limit = c.window(t, 10_000)
	}
	if limit != 8 {
		t.Errorf("limit %d though 16 connections brought no more than 8", limit)
	}
}
