package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// indexed is for a reference that leads to an index.
func (t *Transfer) indexed(ctx context.Context, r Request, o *outcome, top registry.Manifest) error {
	d := descent{transfer: t, sources: o.image.Sources, seen: map[v1.Hash]bool{}}
	if err := d.into(ctx, top, 1); err != nil {
		return fmt.Errorf("%s: %w", r.Ref, err)
	}
	found := make([]*PlatformImage, len(r.Platforms))
	missing := make([]*MissingPlatform, len(r.Platforms))
	group, ctx := errgroup.WithContext(ctx)
	for i, w := range r.Platforms {
		group.Go(func() (err error) {
			found[i], missing[i], err = d.find(ctx, r.Ref, w)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%s: %w", r.Ref, err)
	}
	for i, w := range r.Platforms {
		if found[i] != nil {
			o.image.Platforms[w] = *found[i]
		} else {
			o.missing = append(o.missing, *missing[i])
		}
	}
	return nil
}

// descent collects the images of an index and of those nested in it.
type descent struct {
	transfer   *Transfer
	sources    []reference.Reference
	seen       map[v1.Hash]bool
	candidates []candidate
	unmarked   []v1.Descriptor
	entries    int
}

func (d *descent) into(ctx context.Context, index registry.Manifest, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: indexes are nested more than %d deep", ErrTooDeep, maxDepth)
	}
	if d.seen[index.Digest] {
		return nil
	}
	d.seen[index.Digest] = true
	var list v1.IndexManifest
	if err := json.Unmarshal(index.Bytes, &list); err != nil {
		return fmt.Errorf("read index %s: %w", index.Digest, err)
	}
	if d.entries += len(list.Manifests); d.entries > maxEntries {
		return fmt.Errorf("%w: more than %d entries", ErrTooDeep, maxEntries)
	}
	for _, e := range list.Manifests {
		if err := d.entry(ctx, e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (d *descent) entry(ctx context.Context, e v1.Descriptor, depth int) error {
	switch {
	case attestation(e):
	case e.MediaType.IsIndex():
		nested, err := d.transfer.byDigest(ctx, d.sources, e)
		if err != nil {
			return err
		}
		return d.into(ctx, nested, depth+1)
	case !e.MediaType.IsImage() && e.MediaType != types.DockerManifestSchema1 && e.MediaType != types.DockerManifestSchema1Signed:
	case e.Platform == nil:
		d.unmarked = append(d.unmarked, e)
	default:
		d.candidates = append(d.candidates, candidate{e, *e.Platform})
	}
	return nil
}

// find gets the image for one platform, and makes sure that its config agrees with the index.
func (d *descent) find(ctx context.Context, ref reference.Reference, platform string) (*PlatformImage, *MissingPlatform, error) {
	want, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, nil, fmt.Errorf("platform %q: %w", platform, err)
	}
	c, ok := choose(d.candidates, *want)
	if !ok {
		return d.findUnmarked(ctx, ref, *want)
	}
	p, is, err := d.image(ctx, c.desc)
	if err != nil {
		return nil, nil, err
	}
	if is.Architecture != "" && is.Architecture != want.Architecture || is.OS != "" && is.OS != want.OS {
		return nil, &MissingPlatform{Ref: ref, Platform: platform, Config: word(is)}, nil
	}
	return &p, nil, nil
}

// findUnmarked looks into entries that do not say what they are for.
func (d *descent) findUnmarked(ctx context.Context, ref reference.Reference, want v1.Platform) (*PlatformImage, *MissingPlatform, error) {
	has := words(d.candidates)
	for _, e := range d.unmarked[:min(len(d.unmarked), maxUnmarked)] {
		p, is, err := d.image(ctx, e)
		if errors.Is(err, ErrNotImage) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if _, ok := serves(is, want); ok {
			return &p, nil, nil
		}
		has = append(has, word(is))
	}
	if len(has) == 0 {
		has = []string{"no image in the index"}
	}
	return nil, &MissingPlatform{Ref: ref, Platform: word(want), Has: has}, nil
}

// image gets an entry's manifest and config.
func (d *descent) image(ctx context.Context, e v1.Descriptor) (PlatformImage, v1.Platform, error) {
	m, err := d.transfer.byDigest(ctx, d.sources, e)
	if err != nil {
		return PlatformImage{}, v1.Platform{}, err
	}
	p, err := readImage(m)
	if err != nil {
		return p, v1.Platform{}, err
	}
	is, err := d.transfer.platformOf(ctx, d.sources, p)
	return p, is, err
}
