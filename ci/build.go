package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Build the cluster image of an application.
//
// It runs the recipe, saves every image that is needed, and assembles one image for each platform and an index over them. Look at it with summary,
// digest or reference, take it with archive, push it with publish.
//
// +cache="never"
func (m *ClusterImage) Build(
	ctx context.Context,

	// The application, for example nginx.
	app string,

	// Its version, for example 1.29.1.
	version string,

	// Build for these platforms, linux/amd64 or linux/arm64; for all that the recipe serves when not given.
	// +optional
	platform []dagger.Platform,

	// What to do with images that may be needed: include those that resolve, list them, or fail when one does not resolve.
	// +default="include"
	maybe Maybe,

	// Labels to add, as KEY=VALUE.
	// +optional
	label []string,

	// Annotations of index and manifests to add, as KEY=VALUE.
	// +optional
	annotation []string,

	// The time that files and configurations carry, in seconds since 1970.
	// +default=0
	sourceDateEpoch int,

	// Take the inputs of the lock file and no others.
	// +optional
	locked bool,

	// Ask the sources now, instead of taking what they said today.
	// +optional
	refresh bool,

	// What stores the images: own, this program's registry save, or sealos, the original.
	// +default="cluster-image"
	saver Saver,

	// The image with the sealos that saves, when sealos does.
	// +default="ghcr.io/labring/sealos:v5.0.1"
	sealosImage string,
) (*Image, error) {
	context, err := m.download(ctx, wanted{app, version, platform, locked, refresh})
	if err != nil {
		return nil, err
	}
	saving := saving{maybe: maybe, refresh: refresh, saver: saver, sealosImage: sealosImage}
	if locked {
		if saving.lock, err = m.lockOf(ctx, app, version); err != nil {
			return nil, err
		}
	}
	registry, err := m.save(ctx, context, saving)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", app, version, err)
	}
	img := &Image{
		Module: m, App: app, Version: context.version, Context: context.dir, RegistryDir: registry.dir, Platforms: context.platforms,
		Maybe: maybe, Labels: label, Annotations: annotation, SourceDateEpoch: sourceDateEpoch,
	}
	if err := img.make(ctx, registry.images); err != nil {
		return nil, fmt.Errorf("%s %s: %w", app, version, err)
	}
	return img, nil
}

// make assembles the image. Where the build file needs a container engine, that builds it first.
func (i *Image) make(ctx context.Context, images []savedImage) error {
	err := i.write(ctx, images)
	if err == nil {
		return nil
	}
	var needs struct{ ContainerEngine string }
	c := i.Module.stored().WithMountedDirectory(contextDir, i.Context)
	if asked := i.Module.document(ctx, c, &needs, append([]string{"images", contextDir, "--json"}, platformFlags(i.Platforms)...)...); asked != nil || needs.ContainerEngine == "" {
		return err
	}
	if err := i.buildOnEngine(ctx, nil); err != nil {
		return err
	}
	return i.write(ctx, images)
}

// assembled is the result of assemble.
type assembled struct {
	Digest    string `json:"digest"`
	Platforms []struct {
		Platform string `json:"platform"`
		Digest   string `json:"digest"`
		Layers   int    `json:"layers"`
		Bytes    int64  `json:"bytes"`
	} `json:"platforms"`
}

// write makes the archive, and what is told of it.
func (i *Image) write(ctx context.Context, images []savedImage) error {
	c := i.written("oci-archive", archiveFile)
	out, err := result(ctx, c)
	if err != nil {
		return fmt.Errorf("assemble: %w", err)
	}
	var doc assembled
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		return fmt.Errorf("read result of assemble: %w", err)
	}
	i.Archive, i.Digest, i.Reference = c.File(archiveFile), doc.Digest, i.name()+"@"+doc.Digest
	i.Summary = summary(images, doc)
	i.Document, err = document(out, images)
	return err
}

const (
	archiveFile = "/out/image.tar"
	layoutDir   = "/out/layout"
)

// written is a container in which the image was written in one of the program's formats.
func (i *Image) written(format, path string) *dagger.Container {
	if len(i.Parts) > 0 {
		return i.repacked(format, path)
	}
	args := []string{"assemble", contextDir, "--json", "--registry-dir", registryDir, "--tag", i.name(), "--format", format, "--output", path}
	for _, l := range i.Labels {
		args = append(args, "--label", l)
	}
	for _, a := range i.Annotations {
		args = append(args, "--annotation", a)
	}
	c := i.Module.stored().
		WithEnvVariable("SOURCE_DATE_EPOCH", strconv.Itoa(i.SourceDateEpoch)).
		WithMountedDirectory(contextDir, i.Context).
		WithMountedDirectory(registryDir, i.RegistryDir).
		WithDirectory("/out", dag.Directory())
	return i.Module.run(c, slices.Concat(args, platformFlags(i.Platforms))...)
}

// repacked joins what the engine built.
func (i *Image) repacked(format, path string) *dagger.Container {
	args := []string{"repack", "--json", "--tag", i.name(), "--format", format, "--output", path}
	c := i.Module.Toolbox().WithDirectory("/out", dag.Directory())
	for n, part := range i.Parts {
		file := fmt.Sprintf("/build/part%d.tar", n)
		c, args = c.WithMountedFile(file, part), append(args, file)
	}
	return i.Module.run(c, args...)
}

// name is what an image is called that was not pushed.
func (i *Image) name() string { return "localhost/" + i.App + ":" + i.Version }
