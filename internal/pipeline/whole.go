package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// members are the manifests of every image whose index is kept whole.
type members map[reference.Reference][]registrydir.Member

// maxMembers bounds what one index lists.
const maxMembers = 100

// members reads all manifests of each image's index into the store, attestations and other platforms among them, and adds their blobs to the plan.
func (e *Engine) members(ctx context.Context, r transfer.Resolution, plan *transfer.Plan) (members, error) {
	out := members{}
	planned := map[v1.Hash]bool{}
	for _, b := range plan.Blobs {
		planned[b.Desc.Digest] = true
	}
	for _, img := range r.Images {
		if img.Index == nil {
			continue
		}
		var index v1.IndexManifest
		if err := json.Unmarshal(img.Index.Bytes, &index); err != nil {
			return nil, fmt.Errorf("read index of %s: %w", img.Ref, err)
		}
		if len(index.Manifests) > maxMembers {
			return nil, fmt.Errorf("index of %s lists %d manifests: more than %d are not taken", img.Ref, len(index.Manifests), maxMembers)
		}
		for _, d := range index.Manifests {
			m, err := e.member(ctx, img, d)
			if err != nil {
				return nil, fmt.Errorf("%s in the index of %s: %w", d.Digest, img.Ref, err)
			}
			out[img.Ref] = append(out[img.Ref], m)
			e.plan(plan, planned, img, m.Blobs)
		}
	}
	slices.SortStableFunc(plan.Blobs, func(a, b transfer.Blob) int { return cmp.Compare(b.Desc.Size, a.Desc.Size) })
	return out, nil
}

// maxManifest is the size in bytes up to which a manifest is read: what registries accept.
const maxManifest = 4 << 20

// member reads one manifest of an index.
func (e *Engine) member(ctx context.Context, img transfer.Image, d v1.Descriptor) (registrydir.Member, error) {
	if d.MediaType.IsIndex() {
		return registrydir.Member{}, fmt.Errorf("an index inside an index cannot be kept whole; leave --all out")
	}
	b, err := e.store.ReadAll(d.Digest, maxManifest)
	if err != nil {
		m, err := e.client.Manifest(ctx, img.Source, d.Digest.String())
		if err != nil {
			return registrydir.Member{}, err
		}
		if _, err := e.store.Put(m.Bytes); err != nil {
			return registrydir.Member{}, err
		}
		b = m.Bytes
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(b, &manifest); err != nil {
		return registrydir.Member{}, fmt.Errorf("read manifest: %w", err)
	}
	return registrydir.Member{
		Manifest: v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: int64(len(b))},
		Blobs:    append([]v1.Descriptor{manifest.Config}, manifest.Layers...),
	}, nil
}

// plan adds the blobs that are not planned yet.
func (e *Engine) plan(plan *transfer.Plan, planned map[v1.Hash]bool, img transfer.Image, blobs []v1.Descriptor) {
	for _, d := range blobs {
		plan.Total += d.Size
		if planned[d.Digest] {
			continue
		}
		planned[d.Digest] = true
		_, stored := e.store.Has(d.Digest)
		plan.Blobs = append(plan.Blobs, transfer.Blob{Desc: d, Sources: img.Sources, Stored: stored, Images: []string{img.Ref.String()}})
		plan.Unique += d.Size
		if stored {
			plan.Stored += d.Size
		}
	}
}
