package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/inspect"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// Contents lists the container images of a finished cluster image on disk, by platform. Only its small layers are read.
func Contents(ctx context.Context, x assemble.Index) (map[string][]registrydir.Entry, error) {
	out := map[string][]registrydir.Entry{}
	for _, img := range x.Images {
		var layers []inspect.Layer
		for _, l := range img.Layers {
			layers = append(layers, inspect.Layer{Size: l.Desc.Size, Open: l.Open})
		}
		entries, err := inspect.Images(ctx, layers)
		if err != nil {
			return nil, fmt.Errorf("image for %s: %w", img.Platform, err)
		}
		out[img.Platform.String()] = entries
	}
	return out, nil
}

// RemoteContents lists the container images of a cluster image in a registry, by platform. Only its small layers are fetched.
func (e *Engine) RemoteContents(ctx context.Context, ref reference.Reference) (map[string][]registrydir.Entry, error) {
	top, err := e.client.Manifest(ctx, ref, ref.Wanted())
	if err != nil {
		return nil, err
	}
	if !top.MediaType.IsIndex() {
		entries, platform, err := e.remoteImage(ctx, ref, top)
		return map[string][]registrydir.Entry{platform: entries}, err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(top.Bytes, &index); err != nil {
		return nil, fmt.Errorf("read index of %s: %w", ref, err)
	}
	out := map[string][]registrydir.Entry{}
	for _, d := range index.Manifests {
		if d.Platform == nil || d.Platform.OS != "linux" {
			continue
		}
		m, err := e.client.Manifest(ctx, ref, d.Digest.String())
		if err != nil {
			return nil, err
		}
		if out[d.Platform.String()], _, err = e.remoteImage(ctx, ref, m); err != nil {
			return nil, fmt.Errorf("image for %s: %w", d.Platform, err)
		}
	}
	return out, nil
}

// remoteImage lists what the image of one platform holds, and says which platform that is.
func (e *Engine) remoteImage(ctx context.Context, ref reference.Reference, m registry.Manifest) ([]registrydir.Entry, string, error) {
	var manifest v1.Manifest
	if err := json.Unmarshal(m.Bytes, &manifest); err != nil {
		return nil, "", fmt.Errorf("read manifest %s of %s: %w", m.Digest, ref, err)
	}
	var layers []inspect.Layer
	for _, l := range manifest.Layers {
		layers = append(layers, inspect.Layer{Size: l.Size, Open: e.opener(ctx, ref, l)})
	}
	entries, err := inspect.Images(ctx, layers)
	if err != nil {
		return nil, "", err
	}
	platform, err := e.platformOf(ctx, ref, manifest.Config)
	return entries, platform, err
}

func (e *Engine) opener(ctx context.Context, ref reference.Reference, d v1.Descriptor) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		b, err := e.client.Blob(ctx, ref, d, 0, d.Size)
		if err != nil {
			return nil, err
		}
		return b, nil
	}
}

// maxConfig is the size in bytes up to which an image's configuration is read.
const maxConfig = 4 << 20

func (e *Engine) platformOf(ctx context.Context, ref reference.Reference, d v1.Descriptor) (string, error) {
	rc, err := e.opener(ctx, ref, d)()
	if err != nil {
		return "", err
	}
	defer rc.Close()
	b, err := io.ReadAll(io.LimitReader(rc, maxConfig))
	if err != nil {
		return "", fmt.Errorf("read configuration of %s: %w", ref, err)
	}
	var p v1.Platform
	if err := json.Unmarshal(b, &p); err != nil {
		return "", fmt.Errorf("read configuration of %s: %w", ref, err)
	}
	return p.String(), nil
}
