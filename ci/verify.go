package main

import (
	"context"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Verify reads every byte of a finished image, and proves that a cluster finds in it what it needs.
//
// +cache="never"
func (m *ClusterImage) Verify(
	ctx context.Context,

	// The image as an OCI archive.
	archive *dagger.File,

	// Verify these platforms.
	// +default=["linux/amd64", "linux/arm64"]
	platform []dagger.Platform,
) (string, error) {
	var out string
	for _, p := range platform {
		files := dag.Container(dagger.ContainerOpts{Platform: p}).Import(archive).Rootfs()
		c := m.Toolbox().WithMountedDirectory("/image", files)
		text, err := result(ctx, m.run(c, "registry", "verify", "/image/registry", "--platform", string(p)))
		if err != nil {
			return "", err
		}
		out += string(p) + " " + text
	}
	return out, nil
}
