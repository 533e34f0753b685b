package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Where things are in the container of a step.
const (
	recipesDir  = "/build/recipes"
	locksDir    = "/build/locks"
	contextDir  = "/build/context"
	registryDir = "/build/registry"
)

// Run a recipe and give the build context that it leaves.
//
// That is charts, manifests, binaries and a Kubefile; for several platforms there is one in linux-amd64 and one in linux-arm64.
//
// +cache="never"
func (m *ClusterImage) Download(
	ctx context.Context,

	// The application, for example nginx.
	app string,

	// Its version, for example 1.29.1.
	version string,

	// Build for these platforms, linux/amd64 or linux/arm64; all that the recipe serves when not given.
	// +optional
	platform []dagger.Platform,

	// Take the inputs of the lock file and no others.
	// +optional
	locked bool,

	// Ask the sources now, instead of taking what they said today.
	// +optional
	refresh bool,
) (*dagger.Directory, error) {
	c, err := m.download(ctx, wanted{app, version, platform, locked, refresh})
	return c.dir, err
}

// wanted is what a recipe is carried out for.
type wanted struct {
	app, version string
	platforms    []dagger.Platform
	locked       bool
	refresh      bool
}

// contexts are the build contexts of an application, for one platform or for several.
type contexts struct {
	dir       *dagger.Directory
	platforms []string
	// version is that of the application as its recipe writes it, with a v or without; empty for a directory that was given.
	version string
}

// download carries out the recipe in the toolbox without store and secrets.
func (m *ClusterImage) download(ctx context.Context, w wanted) (contexts, error) {
	c, err := m.withRecipes(ctx, w.app, w.refresh)
	if err != nil {
		return contexts{}, err
	}
	args := []string{"download", "--json", "--output", contextDir}
	if w.locked {
		args = append(args, "--locked")
	}
	c = m.run(c, slices.Concat(args, m.Network.sourceFlags(), platformFlags(words(w.platforms)), []string{"--", w.app, w.version})...)
	out, err := result(ctx, c)
	if err != nil {
		return contexts{}, fmt.Errorf("%s %s: download: %w", w.app, w.version, err)
	}
	var left struct {
		Version  string
		Contexts map[string]string
	}
	if err := json.Unmarshal([]byte(out), &left); err != nil {
		return contexts{}, fmt.Errorf("read result of download: %w", err)
	}
	return contexts{c.Directory(contextDir), slices.Sorted(maps.Keys(left.Contexts)), left.Version}, nil
}

// withRecipes is the toolbox with the recipes and locks of one application, and the variables that recipes document.
func (m *ClusterImage) withRecipes(ctx context.Context, app string, refresh bool) (*dagger.Container, error) {
	recipes, err := m.recipesOf(ctx, app)
	if err != nil {
		return nil, err
	}
	c := asking(m.Toolbox(), refresh).
		WithMountedDirectory(recipesDir, recipes).WithEnvVariable("CLUSTER_IMAGE_RECIPES", recipesDir).
		WithEnvVariable("CLUSTER_IMAGE_CACHE", store)
	if m.Locks != nil {
		c = c.WithMountedDirectory(locksDir, m.Locks).WithEnvVariable("CLUSTER_IMAGE_LOCKS", locksDir)
	}
	for _, kv := range m.RecipeEnv {
		name, value, _ := strings.Cut(kv, "=")
		c = c.WithEnvVariable(name, value)
	}
	return c, nil
}

// recipesOf are the recipes of one application, so that an edit of another one changes nothing here; all of them when there is none of that name, so
// that the program can tell the nearest.
func (m *ClusterImage) recipesOf(ctx context.Context, app string) (*dagger.Directory, error) {
	names, err := m.Recipes.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("list recipes: %w", err)
	}
	if slices.Contains(names, app+"/") {
		return dag.Directory().WithDirectory(app, m.Recipes.Directory(app)), nil
	}
	return m.Recipes, nil
}

// List the container images that an application needs, and why.
//
// Each comes with its platform when only one needs it; with explain, every place that asks for an image.
//
// +cache="never"
func (m *ClusterImage) Needs(
	ctx context.Context,

	// The application, for example nginx.
	app string,

	// Its version, for example 1.29.1.
	version string,

	// Look at these platforms, linux/amd64 or linux/arm64; at all that the recipe serves when not given.
	// +optional
	platform []dagger.Platform,

	// An image to say every place of that asks for it.
	// +optional
	explain string,

	// Ask the sources now, instead of taking what they said today.
	// +optional
	refresh bool,
) (string, error) {
	c, err := m.download(ctx, wanted{app: app, version: version, platforms: platform, refresh: refresh})
	if err != nil {
		return "", err
	}
	return m.needs(ctx, c, explain)
}

func (m *ClusterImage) needs(ctx context.Context, of contexts, explain string) (string, error) {
	args := slices.Concat([]string{"images", contextDir}, platformFlags(of.platforms), m.Network.flags())
	if explain != "" {
		args = append(args, "--explain", explain)
	}
	return result(ctx, m.run(m.stored().WithMountedDirectory(contextDir, of.dir), args...))
}

// checkRecipeEnv refuses variables that an init.sh would not get.
func checkRecipeEnv(env []string) error {
	for _, kv := range env {
		if name, _, ok := strings.Cut(kv, "="); !ok || !strings.HasPrefix(name, "RECIPE_") {
			return fmt.Errorf("recipe-env %q: want RECIPE_NAME=VALUE; an init.sh gets no other variables", name)
		}
	}
	return nil
}

func words(platforms []dagger.Platform) []string {
	var out []string
	for _, p := range platforms {
		out = append(out, string(p))
	}
	return out
}

func platformFlags(platforms []string) []string {
	var out []string
	for _, p := range platforms {
		out = append(out, "--platform", p)
	}
	return out
}
