// Package demo runs the whole job on this machine alone: it brings along the world that a build needs (a chart repository, a file server, a registry),
// builds a recipe for both platforms with the same code as every build, pushes the image to a registry, and proves that a cluster finds in it
// everything that it needs.
package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/reference"
)

//go:embed all:applications
var recipes embed.FS

// Application and Version are what the demo builds.
const (
	Application = "hello"
	Version     = "1.0.0"
)

// Options say how the demo is run.
type Options struct {
	// Engine is how builds are run; cache, mirrors and environment are the demo's own.
	Engine pipeline.Options
	// Keep is a directory to leave everything in; empty throws it away.
	Keep string
	// Tell is called with each line of the story; nil tells nothing.
	Tell func(format string, args ...any)
	// Reporter shows progress; it may be nil.
	Reporter *progress.Reporter
}

// Run runs the demo, and gives the digest of the image, which is the same on every machine.
func Run(ctx context.Context, o Options) (digest string, err error) {
	if o.Tell == nil {
		o.Tell = func(string, ...any) {}
	}
	d := &demo{Options: o}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.prepare(ctx); err != nil {
		return "", err
	}
	built, err := d.engine.Build(ctx, d.order)
	if err != nil {
		return "", err
	}
	defer built.Close()
	if err := d.prove(ctx, built); err != nil {
		return "", err
	}
	if err := d.keepRegistries(ctx, built); err != nil {
		return "", err
	}
	d.ending(built)
	return built.Index.Digest.String(), nil
}

// demo is one run.
type demo struct {
	Options
	dir    string
	world  *upstream
	target *server
	engine *pipeline.Engine
	order  pipeline.Order
}

func (d *demo) close() error {
	var errs []error
	if d.world != nil {
		errs = append(errs, d.world.Close())
	}
	if d.target != nil {
		errs = append(errs, d.target.Close())
	}
	if d.Keep == "" && d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

func (d *demo) prepare(ctx context.Context) (err error) {
	if err := d.makeDir(); err != nil {
		return err
	}
	if d.world, err = newUpstream(ctx, loopback); err != nil {
		return err
	}
	if d.target, err = serve(loopback, newRegistry()); err != nil {
		return err
	}
	d.introduce()
	if d.engine, err = pipeline.New(d.engineOptions()); err != nil {
		return err
	}
	d.order, err = d.makeOrder()
	return err
}

// makeDir makes the directory of the run. One that is to be kept must be new or empty, so that nothing of the user's is mixed in.
func (d *demo) makeDir() (err error) {
	if d.Keep == "" {
		d.dir, err = os.MkdirTemp("", "cluster-image-demo-*")
		return err
	}
	if d.dir, err = filepath.Abs(d.Keep); err != nil {
		return err
	}
	if left, err := os.ReadDir(d.dir); err == nil && len(left) > 0 {
		return failure.New(failure.Usage, "%s is not empty", d.Keep).Advise("name a new directory to keep the demo in")
	}
	return os.MkdirAll(d.dir, 0o755)
}

// keepRegistries writes what the build only worked with: the registry directory of each platform.
func (d *demo) keepRegistries(ctx context.Context, b *pipeline.Built) error {
	if d.Keep == "" {
		return nil
	}
	for platform, r := range b.Registries {
		if err := r.Write(ctx, filepath.Join(d.dir, "registry", strings.ReplaceAll(platform, "/", "-"))); err != nil {
			return fmt.Errorf("keep registry directory for %s: %w", platform, err)
		}
	}
	return nil
}

// engineOptions are those of any build, with the demo's registry behind every name.
func (d *demo) engineOptions() pipeline.Options {
	o := d.Engine
	o.Cache = filepath.Join(d.dir, "cache")
	o.Reporter = d.Reporter
	o.Environ = []string{"HTTP_PROXY=" + d.world.web.url(), "RECIPE_PLAIN_HTTP=charts.example.com,files.example.com"}
	for _, registry := range []string{"docker.io", "quay.io", "registry.k8s.io", "ghcr.io"} {
		o.Mirrors = append(o.Mirrors, reference.Mirror{Prefix: registry, Target: d.world.registry.host})
	}
	return o
}

func (d *demo) makeOrder() (pipeline.Order, error) {
	files, err := fs.Sub(recipes, "applications")
	if err != nil {
		return pipeline.Order{}, fmt.Errorf("open demo recipe: %w", err)
	}
	r, err := catalog.Open(files, recipe.Application, "the demo").Find(Application, Version)
	if err != nil {
		return pipeline.Order{}, err
	}
	o := pipeline.Order{
		Recipe: r, Platforms: pipeline.Platforms,
		ImageOptions: pipeline.ImageOptions{Name: Application, Version: Version},
		Targets:      []publish.Target{{Ref: d.image()}},
		After:        d.tellStage,
		Contexts:     filepath.Join(d.dir, "contexts"),
	}
	if d.Keep != "" {
		if err := os.CopyFS(filepath.Join(d.dir, "applications"), files); err != nil {
			return o, fmt.Errorf("keep demo recipe: %w", err)
		}
		o.Output = pipeline.Output{Path: filepath.Join(d.dir, Application+"-"+Version+".tar"), Name: "localhost/" + Application + ":" + Version}
	}
	return o, nil
}

// image is the tag that the demo pushes.
func (d *demo) image() reference.Reference {
	return reference.Reference{Host: d.target.host, Path: "labring/" + Application, Tag: Version}
}
