package pipeline

import (
	"context"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/publish"
)

// Push is the fourth step by itself: it pushes an image that lies on disk to every target.
func (e *Engine) Push(ctx context.Context, x assemble.Index, targets []publish.Target) (reports []publish.Report, err error) {
	err = e.step("push", "", func() (err error) {
		reports, err = publish.Push(ctx, publish.Options{Client: e.client, Places: e.store, Reporter: e.Reporter, Jobs: e.Jobs}, x, targets)
		return err
	})
	return reports, err
}
