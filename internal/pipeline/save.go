package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/disk"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// SaveOptions say where registry directories are written.
type SaveOptions struct {
	Dirs ByPlatform
	// Whole keeps the whole index of each image under its tag, with every platform in it.
	Whole bool
	// Prune removes what the directories hold beyond what is saved now.
	Prune bool
}

// check finds out whether the directories can be written to, before anything is asked for and fetched.
func (o SaveOptions) check() error {
	for _, dir := range o.Dirs.Dirs() {
		err := disk.Explain(tryWrite(dir), dir, 0, "--registry-dir")
		var full *disk.SpaceError
		switch {
		case errors.As(err, &full):
			return err
		case err != nil:
			return failure.New(failure.Usage, "%s cannot be written to: %w", dir, err).Advise("choose another place with --registry-dir")
		}
	}
	return nil
}

// tryWrite makes a file in dir and removes it; where there is no dir yet, in the nearest directory above.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".cluster-image-*")
	if up := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && up != dir {
		return tryWrite(up)
	}
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err // its name is a made up one
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// sources are the contexts whose own registry/ is to be joined: not those that it is written to, since what is there stays anyway.
func (o SaveOptions) sources(contexts ByPlatform) ByPlatform {
	out := ByPlatform{}
	for p, dir := range contexts {
		if filepath.Join(dir, "registry") != filepath.Clean(o.Dirs[p]) {
			out[p] = dir
		}
	}
	return out
}

// Save is the second step by itself: it finds and fetches every image that the contexts need and writes the registry directories.
func (e *Engine) Save(ctx context.Context, contexts ByPlatform, needs Needs, o SaveOptions) (transfer.Plan, error) {
	if err := o.check(); err != nil {
		return transfer.Plan{}, at("write", failure.Usage, err)
	}
	resolved, err := e.Resolve(ctx, contexts, needs)
	if err != nil {
		return transfer.Plan{}, at("resolve", failure.Source, err)
	}
	plan := e.transfer.Plan(resolved)
	e.Reporter.Images(len(resolved.Images))
	var whole members
	if o.Whole {
		if whole, err = e.members(ctx, resolved, &plan); err != nil {
			return plan, at("resolve", failure.Source, err)
		}
	}
	registries, err := e.registries(ctx, o.Dirs.Platforms(), o.sources(contexts), resolved, whole)
	if err != nil {
		return plan, at("registry", failure.Recipe, err)
	}
	bare := transfer.FetchOptions{SkipLayers: true}
	if err := e.fetch(ctx, plan, bare); err != nil {
		return plan, at("fetch", failure.Source, err)
	}
	for _, p := range o.Dirs.Platforms() {
		if !o.Whole {
			e.warnMoved(registries[p], o.Dirs[p], p)
		}
		err := e.step("write", o.Dirs[p], func() error {
			return e.healing(ctx, resolved, bare, func() error { return writeRegistry(ctx, registries[p], o.Dirs[p], o.Prune) })
		})
		if err != nil {
			return plan, at("write", failure.Usage, err)
		}
	}
	return plan, nil
}

// warnMoved tells of images of another platform whose tags will name those of this one: a directory has one manifest a tag.
func (e *Engine) warnMoved(d *registrydir.Dir, path, platform string) {
	moved := d.Moves(path, platform)
	if len(moved) == 0 {
		return
	}
	var names []string
	for _, m := range moved[:min(len(moved), 3)] {
		names = append(names, m.Name)
	}
	if more := len(moved) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	e.Reporter.Warn("%s had %s for %s, and now has them for %s alone: save each platform to a directory of its own, or all of them at once",
		path, strings.Join(names, ", "), cmp.Or(moved[0].Platform, "several platforms"), platform)
}

func writeRegistry(ctx context.Context, d *registrydir.Dir, path string, prune bool) error {
	if err := d.Write(ctx, path); err != nil || !prune {
		return err
	}
	return d.Prune(ctx, path)
}

// fetch moves what the store lacks.
func (e *Engine) fetch(ctx context.Context, plan transfer.Plan, o transfer.FetchOptions) error {
	return e.step("fetch", fmt.Sprintf("%d blobs", len(plan.Blobs)), func() error {
		return e.transfer.Fetch(ctx, plan, o)
	})
}

// healing runs f, and once more if a blob of the store turned out to be damaged: the store has dropped it, and it is fetched anew.
func (e *Engine) healing(ctx context.Context, r transfer.Resolution, o transfer.FetchOptions, f func() error) error {
	err := f()
	if !errors.Is(err, store.ErrCorrupt) || len(r.Images) == 0 {
		return err
	}
	e.Reporter.Warn("%v; it is fetched again", err)
	if err := e.fetch(ctx, e.transfer.Plan(r), o); err != nil {
		return err
	}
	return f()
}

// registries lays out the registry directory of each platform. Nothing of it has to be fetched yet, so that images that collide are told before any
// byte moves. What a context brings in its own registry/ is checked and joined.
func (e *Engine) registries(ctx context.Context, platforms []string, contexts ByPlatform, r transfer.Resolution, whole members) (map[string]*registrydir.Dir, error) {
	out := map[string]*registrydir.Dir{}
	for _, p := range platforms {
		d, err := registrydir.New(imagesFor(p, r, whole), e.store)
		if err != nil {
			return nil, fmt.Errorf("registry directory for %s: %w", p, err)
		}
		if err := mergeOwn(ctx, d, contexts[p], p); err != nil {
			return nil, err
		}
		out[p] = d
	}
	return out, nil
}

// mergeOwn adds the registry directory that a recipe brought along.
func mergeOwn(ctx context.Context, d *registrydir.Dir, dir, platform string) error {
	path := filepath.Join(dir, "registry")
	if _, err := os.Lstat(path); dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	own, err := registrydir.Read(path)
	if errors.Is(err, registrydir.ErrNotRegistry) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the context's own %s: %w", path, err)
	}
	if err := own.Verify(ctx, platform); err != nil {
		return fmt.Errorf("check the context's own %s: %w", path, err)
	}
	if err := d.Merge(own); err != nil {
		return fmt.Errorf("join the context's own %s with the images found: %w", path, err)
	}
	return nil
}

// bringImages says whether any context has a registry directory of its own.
func (b ByPlatform) bringImages() bool {
	return slices.ContainsFunc(b.Dirs(), func(dir string) bool { return isRegistry(filepath.Join(dir, "registry")) })
}

func imagesFor(platform string, r transfer.Resolution, whole members) []registrydir.Image {
	var out []registrydir.Image
	for _, img := range r.Images {
		of, ok := img.Platforms[platform]
		if !ok {
			continue
		}
		entry := registrydir.Image{Ref: img.Ref, Manifest: describe(of.Manifest), Blobs: append([]v1.Descriptor{of.Config}, of.Layers...)}
		if img.Index != nil {
			index := describe(*img.Index)
			switch {
			case whole != nil:
				entry = registrydir.Image{Ref: img.Ref, Manifest: index, Members: whole[img.Ref]}
			case img.Ref.Digest == index.Digest.String():
				entry.Index = &index
			}
		}
		out = append(out, entry)
	}
	return out
}

func describe(m registry.Manifest) v1.Descriptor {
	return v1.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}
}
