package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Saver is what stores the images of a build context.
type Saver string

const (
	// Own is the program's own registry save.
	Own Saver = "cluster-image"
	// Sealos is the real sealos registry save, in a container of its own.
	Sealos Saver = "sealos"
)

// saving says how images are saved.
type saving struct {
	maybe       Maybe
	refresh     bool
	saver       Saver
	sealosImage string
	// lock holds the images; nil takes what there is.
	lock *dagger.File
}

// saveBySealos runs sealos registry save for each platform. What it leaves is verified and listed by the program, as everything that is assembled.
func (m *ClusterImage) saveBySealos(ctx context.Context, of contexts, s saving) (registries, error) {
	if len(of.platforms) == 0 {
		var err error
		if of.platforms, err = platformsIn(ctx, of.dir); err != nil {
			return registries{}, err
		}
	}
	c := asking(m.Network.apply(dag.Container().From(s.sealosImage)), s.refresh).
		WithEnvVariable("NO_PROXY", joinHosts(m.Network.NoProxy, "127.0.0.1", "localhost")).
		WithEnvVariable("no_proxy", joinHosts(m.Network.NoProxy, "127.0.0.1", "localhost")).
		WithMountedDirectory(contextDir, of.dir).
		WithDirectory(registryDir, empty(of.platforms))
	if conf := m.Network.registriesConf(); conf != "" {
		c = c.WithNewFile("/etc/containers/registries.conf", conf)
	}
	for _, p := range of.platforms {
		c = c.WithExec([]string{"sealos", "registry", "save", "--registry-dir", below(registryDir, p, of.platforms),
			"--arch", path.Base(p), below(contextDir, p, of.platforms)})
	}
	saved := registries{dir: c.Directory(registryDir)}
	for _, p := range of.platforms {
		if err := foundSome(ctx, saved.dir.Directory(below(".", p, of.platforms)), p); err != nil {
			return registries{}, err
		}
	}
	check := m.Toolbox().WithMountedDirectory(registryDir, saved.dir)
	if _, err := result(ctx, m.run(check, append([]string{"registry", "verify", registryDir}, platformFlags(of.platforms)...)...)); err != nil {
		return registries{}, fmt.Errorf("what sealos registry save left: %w", err)
	}
	images, err := m.listed(ctx, check)
	saved.images = images
	return saved, err
}

// foundSome tells when sealos left nothing, which it does without a word where it recognises no image.
func foundSome(ctx context.Context, dir *dagger.Directory, platform string) error {
	left, err := dir.Entries(ctx)
	if err != nil {
		return fmt.Errorf("sealos registry save: %w", err)
	}
	if len(left) == 0 {
		return fmt.Errorf("sealos registry save left no image for %s: it knows the lists in images/shim, charts, and manifests with \"image: NAME\" on a line of its own; "+
			"--saver own finds the others", platform)
	}
	return nil
}

// listed are the images of a registry directory as lines of registry save, with names as a cluster sees them: without host.
func (m *ClusterImage) listed(ctx context.Context, c *dagger.Container) ([]savedImage, error) {
	var entries []struct {
		Repository, Tag, Platform, Digest string
		Size                              int64
	}
	if err := m.document(ctx, c, &entries, "registry", "list", registryDir, "--json"); err != nil {
		return nil, err
	}
	var out []savedImage
	for _, e := range entries {
		name := e.Repository + ":" + e.Tag
		if e.Tag == "" {
			name = e.Repository + "@" + e.Digest
		}
		out = append(out, savedImage{Image: name, Platform: e.Platform, Digest: e.Digest, Bytes: e.Size})
	}
	return out, nil
}

// below is where download and registry save put a platform: the directory itself when there is one platform.
func below(dir, platform string, all []string) string {
	if len(all) < 2 {
		return dir
	}
	return path.Join(dir, strings.ReplaceAll(platform, "/", "-"))
}

// empty is a directory with nothing for each platform.
func empty(platforms []string) *dagger.Directory {
	dir := dag.Directory()
	for _, p := range platforms {
		dir = dir.WithNewDirectory(below(".", p, platforms))
	}
	return dir
}

func joinHosts(hosts string, more ...string) string {
	if hosts != "" {
		more = append([]string{hosts}, more...)
	}
	return strings.Join(more, ",")
}

// platformsIn are those that a context has directories for, else the engine's.
func platformsIn(ctx context.Context, context *dagger.Directory) ([]string, error) {
	names, err := context.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the context: %w", err)
	}
	var out []string
	for _, name := range names {
		if arch, ok := strings.CutPrefix(strings.TrimSuffix(name, "/"), "linux-"); ok {
			out = append(out, "linux/"+arch)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	p, err := dag.DefaultPlatform(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its platform: %w", err)
	}
	return []string{string(p)}, nil
}
