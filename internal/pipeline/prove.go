package pipeline

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/cluster"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// Prove does with what was built what a cluster does, for every platform: the tags of the registry directory go into an empty registry, which is then
// asked for every image that was found.
func (b *Built) Prove(ctx context.Context) (cluster.Report, error) {
	return cluster.Prove(ctx, b.Registries, b.wants)
}

// wantsOf says what nodes must get for each image.
func wantsOf(b *build) []cluster.Want {
	var out []cluster.Want
	for _, img := range b.resolved.Images {
		w := cluster.Want{Need: img.Ref, Content: map[string]cluster.Content{}}
		for p, of := range img.Platforms {
			w.Content[p] = cluster.Content{Manifest: of.Manifest.Digest, Config: of.Config.Digest}
		}
		out = append(out, w)
	}
	return out
}

// Verify reads every byte of a registry directory, and then proves that a cluster gets what its tags say. An empty platform takes any.
func Verify(ctx context.Context, d *registrydir.Dir, platform string) error {
	if err := d.Verify(ctx, platform); err != nil {
		return err
	}
	entries, err := d.List()
	if err != nil {
		return fmt.Errorf("list images: %w", err)
	}
	byPlatform := map[string][]cluster.Want{}
	for _, e := range entries {
		if e.Tag == "" || e.Platform == "" {
			continue
		}
		ref := reference.Reference{Host: "docker.io", Path: e.Repository, Tag: e.Tag}
		want := cluster.Want{Need: ref, Content: map[string]cluster.Content{e.Platform: {Manifest: e.Digest, Config: v1.Hash{}}}}
		byPlatform[e.Platform] = append(byPlatform[e.Platform], want)
	}
	for p, wants := range byPlatform {
		if _, err := cluster.Prove(ctx, map[string]*registrydir.Dir{p: d}, wants); err != nil {
			return err
		}
	}
	return nil
}
