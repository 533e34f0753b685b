package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Build an image of dockerimages/: a Dockerfile with a base image and commands, for every platform.
//
// The engine builds it, a foreign platform by emulation. Of such an image the engine sets the times, so its digest differs from build to build.
//
// +cache="never"
func (m *ClusterImage) DockerImage(
	ctx context.Context,

	// The image, for example curl-kubectl.
	name string,

	// Its version, for example v1.31.4.
	version string,

	// Build for these platforms, linux/amd64 or linux/arm64; for all that the recipe serves when not given.
	// +optional
	platform []dagger.Platform,

	// Arguments for the Dockerfile, as NAME=VALUE. ARCH is the architecture anyway.
	// +optional
	buildArg []string,

	// Recipes to build from, as NAME/VERSION directories; dockerimages/ of the source when not given.
	// +optional
	recipes *dagger.Directory,

	// Ask the sources now, instead of taking what they said today.
	// +optional
	refresh bool,
) (*Image, error) {
	if recipes == nil {
		recipes = m.Source.Directory("dockerimages")
	}
	of := *m
	of.Recipes = recipes
	found, err := of.download(ctx, wanted{app: name, version: version, platforms: platform, refresh: refresh})
	if err != nil {
		return nil, err
	}
	img := &Image{Module: m, App: name, Maybe: Include, Version: found.version, Context: found.dir, RegistryDir: empty(found.platforms), Platforms: found.platforms}
	if err := img.buildOnEngine(ctx, buildArg); err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, version, err)
	}
	if err := img.write(ctx, nil); err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, version, err)
	}
	return img, nil
}

// Build a context whose build file has a base image or runs commands, for one platform, and give the container.
func (m *ClusterImage) DockerBuild(
	ctx context.Context,

	// The build context, as download leaves it for one platform.
	context *dagger.Directory,

	// The platform; that of the engine when not given.
	// +optional
	platform dagger.Platform,

	// The name of the build file; Kubefile or Dockerfile when not given.
	// +optional
	file string,

	// Arguments for the build file, as NAME=VALUE. ARCH is the architecture anyway.
	// +optional
	buildArg []string,
) (*dagger.Container, error) {
	if platform == "" {
		var err error
		if platform, err = dag.DefaultPlatform(ctx); err != nil {
			return nil, fmt.Errorf("ask the engine for its platform: %w", err)
		}
	}
	if file == "" {
		var err error
		if file, err = buildFile(ctx, context); err != nil {
			return nil, err
		}
	}
	args, err := buildArgs(platform, buildArg)
	if err != nil {
		return nil, err
	}
	return context.DockerBuild(dagger.DirectoryDockerBuildOpts{Platform: platform, Dockerfile: file, BuildArgs: args}), nil
}

// buildOnEngine lets the engine build the image of each platform, in the context with its registry directory.
func (i *Image) buildOnEngine(ctx context.Context, buildArg []string) error {
	i.Parts = nil
	for _, p := range i.Platforms {
		context := i.Context.Directory(below(".", p, i.Platforms)).WithDirectory("registry", i.RegistryDir.Directory(below(".", p, i.Platforms)))
		built, err := i.Module.DockerBuild(ctx, context, dagger.Platform(p), "", buildArg)
		if err != nil {
			return err
		}
		part := built.AsTarball()
		if _, err := part.Size(ctx); err != nil {
			return fmt.Errorf("build for %s: %w", p, err)
		}
		i.Parts = append(i.Parts, part)
	}
	return nil
}

// buildFile is the name of the build file that a context has.
func buildFile(ctx context.Context, context *dagger.Directory) (string, error) {
	names, err := context.Entries(ctx)
	if err != nil {
		return "", fmt.Errorf("look for the build file: %w", err)
	}
	kubefile, dockerfile := slices.Contains(names, "Kubefile"), slices.Contains(names, "Dockerfile")
	switch {
	case kubefile && dockerfile:
		return "", errors.New("the context has a Kubefile and a Dockerfile: keep one of them")
	case kubefile:
		return "Kubefile", nil
	case dockerfile:
		return "Dockerfile", nil
	}
	return "", errors.New("the context has neither a Kubefile nor a Dockerfile")
}

// buildArgs are the arguments of a build file, of which ARCH says the architecture.
func buildArgs(platform dagger.Platform, given []string) ([]dagger.BuildArg, error) {
	args := []dagger.BuildArg{{Name: "ARCH", Value: path.Base(string(platform))}}
	for _, kv := range given {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("build-arg %q: want NAME=VALUE", kv)
		}
		args = append(args, dagger.BuildArg{Name: name, Value: value})
	}
	return args, nil
}
