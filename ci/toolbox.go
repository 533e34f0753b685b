package main

import (
	"context"
	"time"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

const (
	// program is where the program is in the toolbox.
	program = "/usr/local/bin/cluster-image"
	// store is where the content store is mounted; its volume is named for its form.
	store       = "/var/cache/cluster-image"
	storeVolume = "cluster-image-store-v1"
)

// Compile the program cluster-image from the source.
func (m *ClusterImage) Binary() *dagger.File {
	return m.golang(m.programSource()).
		WithExec([]string{"go", "build", "-ldflags", "-s -w", "-o", "/out/cluster-image", "."}).
		File("/out/cluster-image")
}

// mounted takes the place of the recipes in a program that is compiled without them.
const mounted = "The recipes are mounted.\n"

// programSource is what the program is compiled of. The recipes stay out, so that an edited one compiles nothing: functions mount them.
func (m *ClusterImage) programSource() *dagger.Directory {
	return m.Source.
		Filter(dagger.DirectoryFilterOpts{Include: []string{"go.mod", "go.sum", "*.go", "internal/**"}, Exclude: []string{"**/*_test.go", "**/testdata/**"}}).
		WithNewFile("applications/README.md", mounted).WithNewFile("configs/README.md", mounted).WithNewFile("dockerimages/README.md", mounted)
}

// golang is a container with the Go toolchain, its caches and a source. What it compiles it compiles with the same settings each time, so that the
// program, the checks and the tests share what is compiled.
func (m *ClusterImage) golang(source *dagger.Directory) *dagger.Container {
	c := m.Network.trust(m.Network.apply(dag.Container().From(m.Bases.Go)))
	if m.Network.GoProxy != "" {
		c = c.WithEnvVariable("GOPROXY", m.Network.GoProxy)
	}
	return c.
		WithEnvVariable("CGO_ENABLED", "0").
		WithEnvVariable("GOFLAGS", "-buildvcs=false -trimpath").
		WithEnvVariable("GOMODCACHE", "/go/pkg/mod").
		WithEnvVariable("GOCACHE", "/go/build-cache").
		WithMountedCache("/go/pkg/mod", dag.CacheVolume("cluster-image-go-modules")).
		WithMountedCache("/go/build-cache", dag.CacheVolume("cluster-image-go-build")).
		WithWorkdir("/src").
		WithMountedDirectory("/src", source)
}

// Make the container that every step runs in.
//
// It is Debian with what an init.sh may call, and the program, which is helm, yq and jq too.
func (m *ClusterImage) Toolbox() *dagger.Container {
	if m.Tool != nil {
		return m.Network.apply(m.Tool)
	}
	return m.Network.trust(m.debian()).WithFile(program, m.Binary(), dagger.ContainerWithFileOpts{Permissions: 0o755})
}

// debian is the base of the toolbox with its packages.
func (m *ClusterImage) debian() *dagger.Container {
	c := m.Network.apply(dag.Container().From(m.Bases.Toolbox))
	if m.Network.DebianMirror != "" {
		c = c.WithEnvVariable("MIRROR", m.Network.DebianMirror).WithExec([]string{"sh", "-c",
			`set -- /etc/apt/sources.list /etc/apt/sources.list.d/*; for f; do [ ! -f "$f" ] || sed -i "s|https\?://deb.debian.org/debian\>|$MIRROR|" "$f"; done`})
	}
	return c.WithEnvVariable("DEBIAN_FRONTEND", "noninteractive").
		WithExec([]string{"sh", "-c", "apt-get update -qq && apt-get install -qq -y --no-install-recommends " +
			"bash ca-certificates curl git jq tar unzip wget >/dev/null && rm -rf /var/lib/apt/lists/*"})
}

// run is a container in which one command of the program ran. What the command prints is in the file resultFile.
func (m *ClusterImage) run(c *dagger.Container, args ...string) *dagger.Container {
	argv := append([]string{"cluster-image", "--progress", "plain"}, args...)
	return c.WithExec(argv, dagger.ContainerWithExecOpts{RedirectStdout: resultFile})
}

// resultFile holds the result of a command.
const resultFile = "/result"

// result reads what a command printed; with it the command is run.
func result(ctx context.Context, c *dagger.Container) (string, error) {
	return c.File(resultFile).Contents(ctx)
}

// stored is the toolbox with the content store, which all builds share. Never for recipe code.
func (m *ClusterImage) stored() *dagger.Container {
	return m.Toolbox().
		WithMountedCache(store, dag.CacheVolume(storeVolume), dagger.ContainerWithMountedCacheOpts{Sharing: dagger.CacheSharingModeShared}).
		WithEnvVariable("CLUSTER_IMAGE_CACHE", store)
}

// asking marks a container whose command asks the world. What it said is taken for the rest of the day (UTC), or not at all when it is to be asked
// afresh.
func asking(c *dagger.Container, afresh bool) *dagger.Container {
	when := time.Now().UTC().Format(time.DateOnly)
	if afresh {
		when = time.Now().UTC().Format(time.RFC3339Nano)
	}
	return c.WithEnvVariable("CLUSTER_IMAGE_ASKED", when)
}
