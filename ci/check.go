package main

import (
	"context"
	"fmt"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Check the form of the source, and every recipe of the catalogue.
//
// +check
func (m *ClusterImage) Lint(ctx context.Context) error {
	c, err := m.compiled(ctx)
	if err != nil {
		return err
	}
	_, err = c.
		WithExec([]string{"sh", "-c", `bad=$(gofmt -l main.go internal) && [ -z "$bad" ] || { echo "not formatted: $bad" >&2; exit 1; }`}).
		WithExec([]string{"go", "vet", "./..."}).
		Sync(ctx)
	if err != nil {
		return fmt.Errorf("lint source: %w", err)
	}
	_, err = m.Toolbox().WithMountedDirectory(recipesDir, m.Recipes).
		WithExec([]string{"cluster-image", "lint", "--recipes", recipesDir}).
		Sync(ctx)
	if err != nil {
		return fmt.Errorf("lint catalogue: %w", err)
	}
	return nil
}

// Run the unit tests.
//
// Those that compare with a tool that is not installed say so and skip.
//
// +check
func (m *ClusterImage) Test(ctx context.Context) error {
	c, err := m.compiled(ctx)
	if err != nil {
		return err
	}
	if _, err := c.WithExec([]string{"go", "test", "./..."}).Sync(ctx); err != nil {
		return fmt.Errorf("test: %w", err)
	}
	return nil
}

// compiled is the whole source with the Go toolchain, once the program is compiled: checks run side by side, and each would compile the same otherwise.
func (m *ClusterImage) compiled(ctx context.Context) (*dagger.Container, error) {
	if _, err := m.Binary().Sync(ctx); err != nil {
		return nil, fmt.Errorf("compile program: %w", err)
	}
	return m.golang(m.Source), nil
}

// Build, push and check a cluster image inside one container, without a network.
//
// +check
func (m *ClusterImage) Demo(ctx context.Context) error {
	_, err := m.Toolbox().
		WithExec([]string{"cluster-image", "demo"}).
		Sync(ctx)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}
