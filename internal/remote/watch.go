package remote

import (
	"context"
	"fmt"
	"time"
)

// misses is how many times in a row an engine may not answer before it counts as gone: one that has much to do may be slow to.
const misses = 5

// watched is a context for a call, which ends when the engine is gone: dagger itself waits without end for a host that is cut off in the midst of a
// build. An engine without an address is on this machine, and is not watched.
func (e Engine) watched(ctx context.Context) (context.Context, func()) {
	if e.Runner == "" {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		if err := e.wait(ctx); err != nil {
			cancel(err)
		}
	}()
	return ctx, func() { cancel(nil) }
}

// wait returns when the context ends, without an error, or when the engine has not answered several times.
func (e Engine) wait(ctx context.Context) error {
	often := e.Watch
	if often == 0 {
		often = time.Minute
	}
	tick := time.NewTicker(often)
	defer tick.Stop()
	for missed := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := e.ask(ctx); err == nil {
			missed = 0
		} else if missed++; missed == misses {
			return fmt.Errorf("the engine is gone in the midst of the work: %w", err)
		}
	}
}
