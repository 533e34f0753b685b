package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// lockFile is where a lock is mounted that images are held to.
const lockFile = "/build/lock.yaml"

// Write down every input of a version by its digest: charts, files, images.
//
// Export it to locks/VERSION.yaml beside the recipe, or to NAME/VERSION.yaml in the directory that locks names. A build that is locked takes these
// inputs and no others.
//
// +cache="never"
func (m *ClusterImage) Lock(
	ctx context.Context,

	// The application, for example nginx.
	app string,

	// Its version, for example 1.29.1.
	version string,

	// Lock it for these platforms, linux/amd64 or linux/arm64; for all that the recipe serves when not given.
	// +optional
	platform []dagger.Platform,

	// What to do with images that may be needed: include those that resolve, list them, or fail when one does not resolve.
	// +default="include"
	maybe Maybe,

	// Ask the sources now, instead of taking what they said today.
	// +optional
	refresh bool,
) (*dagger.File, error) {
	c, err := m.withRecipes(ctx, app, refresh)
	if err != nil {
		return nil, err
	}
	c = c.WithDirectory("/out", dag.Directory())
	args := []string{"lock", "--json", "--locks", "/out", "--maybe", string(maybe)}
	c = m.run(c, slices.Concat(args, m.Network.sourceFlags(), platformFlags(words(platform)), []string{"--", app, version})...)
	out, err := result(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s %s: lock: %w", app, version, err)
	}
	var made struct{ File string }
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		return nil, fmt.Errorf("read result of lock: %w", err)
	}
	return c.File(made.File), nil
}

// lockOf is the lock of a version: of the directory of locks, or beside the recipe that serves it, which is that of the version or the latest.
func (m *ClusterImage) lockOf(ctx context.Context, app, version string) (*dagger.File, error) {
	names := []string{version, "v" + version, strings.TrimPrefix(version, "v")}
	dir, below := m.Locks, []string{app}
	if dir == nil {
		dir, below = m.Recipes, nil
		for _, served := range append(slices.Clone(names), "latest") {
			below = append(below, path.Join(app, served, "locks"))
		}
	}
	found, err := dir.Glob(ctx, app+"/**/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("look for the lock of %s %s: %w", app, version, err)
	}
	for _, b := range below {
		for _, name := range names {
			if file := path.Join(b, name+".yaml"); slices.Contains(found, file) {
				return dir.File(file), nil
			}
		}
	}
	return nil, fmt.Errorf("%s %s has no lock: make it with lock, and export it to locks/%s.yaml beside the recipe", app, version, version)
}
