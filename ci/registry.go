package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Maybe is what is done with images that may be needed.
type Maybe string

const (
	// Include saves those that resolve.
	Include Maybe = "include"
	// List names them and saves none.
	List Maybe = "list"
	// Fail takes them as needed, so that one that does not resolve is an error.
	Fail Maybe = "fail"
)

// Save every image that a build context needs, and give the registry directory.
//
// For several platforms there is one in linux-amd64 and one in linux-arm64.
//
// +cache="never"
func (m *ClusterImage) RegistrySave(
	ctx context.Context,

	// The build context, as download leaves it.
	context *dagger.Directory,

	// Save for these platforms, linux/amd64 or linux/arm64; for those that the context has directories for when not given, else for the engine's.
	// +optional
	platform []dagger.Platform,

	// What to do with images that may be needed: include those that resolve, list them, or fail when one does not resolve.
	// +default="include"
	maybe Maybe,

	// Ask the sources now, instead of taking what they said today.
	// +optional
	refresh bool,

	// What stores the images: own, this program's registry save, or sealos, the original.
	// +default="cluster-image"
	saver Saver,

	// The image with the sealos that saves, when sealos does.
	// +default="ghcr.io/labring/sealos:v5.0.1"
	sealosImage string,

	// A lock file: take each image by the digest that it has there, and no image that it does not have.
	// +optional
	lock *dagger.File,
) (*dagger.Directory, error) {
	saved, err := m.save(ctx, contexts{dir: context, platforms: words(platform)}, saving{maybe, refresh, saver, sealosImage, lock})
	return saved.dir, err
}

// registries are registry directories, arranged like the contexts they were saved for, and what is in them.
type registries struct {
	dir    *dagger.Directory
	images []savedImage
}

// savedImage is one line of the result of registry save.
type savedImage struct {
	Image    string `json:"image"`
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Bytes    int64  `json:"bytes"`
	// Unique are the bytes that no image before it in the list has.
	Unique int64 `json:"unique"`
	// Why is the first place that asks for it; one that may be needed is a Maybe.
	Why   string `json:"why"`
	Maybe bool   `json:"maybe,omitempty"`
}

// save runs registry save with the shared content store, or that of sealos.
func (m *ClusterImage) save(ctx context.Context, of contexts, s saving) (registries, error) {
	if s.saver == Sealos && s.lock != nil {
		return registries{}, errors.New("sealos does not know locks: leave out --saver, or the lock")
	}
	if s.saver == Sealos {
		return m.saveBySealos(ctx, of, s)
	}
	args := []string{"registry", "save", contextDir, "--json", "--registry-dir", registryDir, "--maybe", string(s.maybe)}
	c := asking(m.stored(), s.refresh).WithMountedDirectory(contextDir, of.dir)
	if s.lock != nil {
		c, args = c.WithMountedFile(lockFile, s.lock), append(args, "--lock", lockFile)
	}
	c = m.run(c, slices.Concat(args, platformFlags(of.platforms), m.Network.flags())...)
	out, err := result(ctx, c)
	if err != nil {
		return registries{}, fmt.Errorf("registry save: %w", err)
	}
	saved := registries{dir: c.Directory(registryDir)}
	if err := json.Unmarshal([]byte(out), &saved.images); err != nil {
		return registries{}, fmt.Errorf("read result of registry save: %w", err)
	}
	return saved, nil
}
