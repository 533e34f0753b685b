package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// publisher puts images into a registry and keeps in mind what they are.
type publisher struct {
	registry *remote
	layers   map[layerSpec]madeLayer
	// images is the content of each image by name and architecture.
	images map[string]map[string]content
}

type madeLayer struct {
	desc       v1.Descriptor
	diffID     v1.Hash
	repository string
}

func newPublisher(r *remote) *publisher {
	return &publisher{registry: r, layers: map[layerSpec]madeLayer{}, images: map[string]map[string]content{}}
}

// publish puts images with all their platforms into the registry.
func (p *publisher) publish(ctx context.Context, images []imageSpec) error {
	for _, s := range images {
		if p.images[s.name()] != nil {
			continue
		}
		if err := p.image(ctx, s); err != nil {
			return fmt.Errorf("make image %s: %w", s.name(), err)
		}
	}
	return nil
}

// of is the content of images for one architecture, or for all with an empty one.
func (p *publisher) of(images []imageSpec, arch string) content {
	out := content{}
	for _, s := range images {
		for a, c := range p.images[s.name()] {
			if arch == "" || arch == a {
				out.add(c)
			}
		}
	}
	return out
}

func (p *publisher) image(ctx context.Context, s imageSpec) error {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	p.images[s.name()] = map[string]content{}
	for _, arch := range platforms() {
		if s.layers[arch] == nil {
			continue
		}
		desc, all, err := p.platform(ctx, s, arch)
		if err != nil {
			return err
		}
		p.images[s.name()][arch] = all
		index.Manifests = append(index.Manifests, desc)
	}
	_, err := p.manifest(ctx, s.repository, s.tag, types.OCIImageIndex, index)
	return err
}

func (p *publisher) platform(ctx context.Context, s imageSpec, arch string) (v1.Descriptor, content, error) {
	all := content{}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	config := v1.ConfigFile{Architecture: arch, OS: "linux", RootFS: v1.RootFS{Type: "layers"}}
	for _, l := range s.layers[arch] {
		made, err := p.layer(ctx, s.repository, l)
		if err != nil {
			return v1.Descriptor{}, nil, err
		}
		manifest.Layers = append(manifest.Layers, made.desc)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, made.diffID)
		all[made.desc.Digest.String()] = made.desc.Size
	}
	b, err := json.Marshal(config)
	if err != nil {
		return v1.Descriptor{}, nil, fmt.Errorf("write configuration: %w", err)
	}
	if manifest.Config, err = p.registry.putBlob(ctx, s.repository, types.OCIConfigJSON, func(w io.Writer) error { _, err := w.Write(b); return err }); err != nil {
		return v1.Descriptor{}, nil, err
	}
	all[manifest.Config.Digest.String()] = manifest.Config.Size
	desc, err := p.manifest(ctx, s.repository, "", types.OCIManifestSchema1, manifest)
	desc.Platform = &v1.Platform{OS: "linux", Architecture: arch}
	all[desc.Digest.String()] = desc.Size
	return desc, all, err
}

func (p *publisher) manifest(ctx context.Context, repository, tag string, t types.MediaType, m any) (v1.Descriptor, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("write manifest: %w", err)
	}
	return p.registry.putManifest(ctx, repository, tag, t, b)
}

// layer makes a layer, or takes the one that another repository has.
func (p *publisher) layer(ctx context.Context, repository string, l layerSpec) (madeLayer, error) {
	if made, ok := p.layers[l]; ok {
		if made.repository == repository {
			return made, nil
		}
		if p.registry.mount(ctx, repository, made.repository, made.desc.Digest) {
			return made, nil
		}
	}
	diff := sha256.New()
	desc, err := p.registry.putBlob(ctx, repository, types.OCILayer, func(w io.Writer) error { return writeLayer(w, diff, l) })
	if err != nil {
		return madeLayer{}, fmt.Errorf("layer %s: %w", l.name, err)
	}
	made := madeLayer{desc, v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", diff.Sum(nil))}, repository}
	p.layers[l] = made
	return made, nil
}

// writeLayer writes a layer that cannot be compressed: a tar with one file of random bytes that follow from the layer's name, in gzip's stored blocks.
func writeLayer(w io.Writer, diff hash.Hash, l layerSpec) error {
	gz, err := gzip.NewWriterLevel(w, gzip.NoCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(io.MultiWriter(gz, diff))
	header := &tar.Header{Name: fmt.Sprintf("data/%x", sha256.Sum256([]byte(l.name))), Mode: 0o644, Size: l.size, Format: tar.FormatUSTAR}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.CopyN(t, rand.NewChaCha8(sha256.Sum256([]byte(l.name))), l.size); err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	return gz.Close()
}

// archs are the architectures of a set.
func archs(images []imageSpec) []string {
	var out []string
	for _, a := range platforms() {
		if slices.ContainsFunc(images, func(s imageSpec) bool { return s.layers[a] != nil }) {
			out = append(out, a)
		}
	}
	return out
}
