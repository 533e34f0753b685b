package main

import (
	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// DockerBuild builds a context whose build file has a base image or runs commands.
//
// The engine does it, with emulation for a foreign platform. Of such an image Dagger sets the times, so its digest differs from build to build.
func (m *ClusterImage) DockerBuild(
	// The build context, as download leaves it for one platform.
	context *dagger.Directory,

	// The platform; that of the engine when not given.
	// +optional
	platform dagger.Platform,

	// The name of the build file.
	// +default="Kubefile"
	file string,
) *dagger.Container {
	return context.DockerBuild(dagger.DirectoryDockerBuildOpts{Platform: platform, Dockerfile: file})
}
