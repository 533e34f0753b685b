package pipeline

import (
	"context"
	"fmt"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// AssembleOrder is an order whose first two steps are done: what they left is on disk. Of the recipe, only name and version count.
type AssembleOrder struct {
	Order
	ContextDirs ByPlatform
	// RegistryDirs are the registry directories; nil takes registry/ of each context.
	RegistryDirs ByPlatform
}

// Assemble runs the last two of the four steps. What it gives is as of [Engine.Build].
func (e *Engine) Assemble(ctx context.Context, o AssembleOrder) (*Built, error) {
	b := &build{Engine: e, order: o.Order}
	defer b.close()
	b.Contexts = o.ContextDirs
	stages := []stage{
		{"check", failure.Registry, b.check},
		{"", failure.Recipe, b.checkContext},
		{"registry", failure.Recipe, func(ctx context.Context) error { return b.readRegistries(ctx, o.RegistryDirs) }},
		{"", failure.Recipe, b.checkRegistry},
		{"assemble", failure.Recipe, b.assembleAll},
		{"write", failure.Usage, b.write},
		{"push", failure.Registry, b.push},
	}
	for _, s := range stages {
		if err := s.run(ctx); err != nil {
			b.close()
			b.Close()
			return &b.Built, explain(err, o.Order, s)
		}
	}
	return &b.Built, nil
}

// readRegistries takes in the registry directories that are on disk.
func (b *build) readRegistries(ctx context.Context, dirs ByPlatform) error {
	work, done, err := b.workspace()
	if err != nil {
		return err
	}
	b.work, b.done = work, done
	b.Registries = map[string]*registrydir.Dir{}
	for _, p := range b.order.Platforms {
		d, err := registrydir.New(nil, b.store)
		if err != nil {
			return err
		}
		if dirs == nil {
			err = mergeOwn(ctx, d, b.Contexts[p], p)
		} else {
			err = mergeSaved(ctx, d, dirs[p], p)
		}
		if err != nil {
			return err
		}
		b.Registries[p] = d
	}
	return nil
}

func mergeSaved(ctx context.Context, d *registrydir.Dir, path, platform string) error {
	saved, err := registrydir.Read(path)
	if err != nil {
		return fmt.Errorf("read registry directory %s: %w", path, err)
	}
	if err := saved.Verify(ctx, platform); err != nil {
		return fmt.Errorf("check registry directory %s: %w", path, err)
	}
	return d.Merge(saved)
}
