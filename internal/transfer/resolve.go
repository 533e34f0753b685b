package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

const (
	// maxDepth is how deep indexes may be nested, maxEntries how many images they may list together.
	maxDepth   = 3
	maxEntries = 1000
	// maxUnmarked is how many entries without a platform are looked into for it.
	maxUnmarked = 16
)

// Resolve finds the manifests and configs of all requests at once and keeps them in the store; no layer is fetched.
// What the store has by digest is not asked for again.
//
// Every image that does not resolve is named in one [Unresolved], every platform that is missing in one
// [MissingPlatforms]; both may come joined. A maybe is dropped instead, or keeps the platforms it has. But a maybe that
// fails for a reason that may pass (no connection, a server's error) at a host that does answer otherwise is an error
// like every other: dropping it would make the result depend on the weather.
func (t *Transfer) Resolve(ctx context.Context, requests []Request) (Resolution, error) {
	outcomes := make([]outcome, len(requests))
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() { outcomes[i] = t.resolve(ctx, r) })
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return Resolution{}, fmt.Errorf("resolve images: %w", err)
	}
	return t.gather(requests, outcomes)
}

// outcome is what became of one request.
type outcome struct {
	image   Image
	tries   []Try
	missing []MissingPlatform
}

func (t *Transfer) gather(requests []Request, outcomes []outcome) (Resolution, error) {
	var r Resolution
	var unresolved Unresolved
	var missing MissingPlatforms
	for i, o := range outcomes {
		switch {
		case len(o.tries) > 0 && requests[i].Maybe && !t.mayPass(o.tries):
			last := o.tries[len(o.tries)-1].Err
			r.Dropped = append(r.Dropped, Dropped{requests[i].Ref, requests[i].Platforms, oneLine(last)})
			continue
		case len(o.tries) > 0:
			unresolved.Images = append(unresolved.Images, UnresolvedImage{requests[i].Ref, o.tries})
			continue
		case requests[i].Maybe:
			r.Dropped = append(r.Dropped, droppedPlatforms(o.missing)...)
		default:
			missing.Images = append(missing.Images, o.missing...)
		}
		if len(o.image.Platforms) > 0 {
			r.Images = append(r.Images, o.image)
		}
	}
	var errs []error
	if len(unresolved.Images) > 0 {
		errs = append(errs, &unresolved)
	}
	if len(missing.Images) > 0 {
		errs = append(errs, &missing)
	}
	return r, errors.Join(errs...)
}

// mayPass says whether one of the tries failed for a reason that may pass, at a host that is there.
func (t *Transfer) mayPass(tries []Try) bool {
	for _, try := range tries {
		var e *registry.Error
		if !errors.As(try.Err, &e) || !t.client.Answered(e.Host) {
			continue
		}
		if e.Status == 429 || e.Status >= 500 || e.Status == 0 && registry.Transient(e.Err) {
			return true
		}
	}
	return false
}

func droppedPlatforms(missing []MissingPlatform) []Dropped {
	var out []Dropped
	for _, m := range missing {
		reason := "there is only " + strings.Join(m.Has, ", ")
		if m.Config != "" {
			reason = "its config is for " + m.Config
		}
		out = append(out, Dropped{m.Ref, []string{m.Platform}, reason})
	}
	return out
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// resolve asks the sources of one request in their order.
func (t *Transfer) resolve(ctx context.Context, r Request) outcome {
	sources := r.Sources
	if len(sources) == 0 {
		sources = []reference.Reference{r.Ref}
	}
	var tries []Try
	for i, s := range sources {
		ordered := append([]reference.Reference{s}, append(append([]reference.Reference{}, sources[:i]...), sources[i+1:]...)...)
		o, err := t.from(ctx, r, ordered)
		if err == nil {
			return o
		}
		tries = append(tries, Try{s, err})
		if ctx.Err() != nil {
			break
		}
	}
	return outcome{tries: tries}
}

// from resolves the request at the first of the sources; the others help out with what it lacks.
func (t *Transfer) from(ctx context.Context, r Request, sources []reference.Reference) (outcome, error) {
	top, err := t.top(ctx, sources[0])
	if err != nil {
		return outcome{}, err
	}
	o := outcome{image: Image{Ref: r.Ref, Source: sources[0], Sources: sources, Platforms: map[string]PlatformImage{}}}
	find := t.single
	if top.MediaType.IsIndex() {
		o.image.Index = &top
		find = t.indexed
	}
	return o, find(ctx, r, &o, top)
}

// top gets what the reference itself names: by digest from the store if it is there, by tag from the registry unless a
// remembered answer is believed.
func (t *Transfer) top(ctx context.Context, s reference.Reference) (registry.Manifest, error) {
	if s.Digest != "" {
		d, err := v1.NewHash(s.Digest)
		if err != nil {
			return registry.Manifest{}, fmt.Errorf("%s: digest: %w", s, err)
		}
		return t.byDigest(ctx, []reference.Reference{s}, v1.Descriptor{Digest: d})
	}
	if t.options.Believe > 0 {
		if d, ok := t.store.Resolution(s.String(), t.clock.Now()); ok {
			if m, ok := t.kept(v1.Descriptor{Digest: d}); ok {
				return m, nil
			}
		}
	}
	m, err := t.client.Manifest(ctx, s, s.Wanted())
	if err != nil {
		return m, err
	}
	if t.options.Believe > 0 {
		err = t.store.RememberResolution(s.String(), m.Digest, t.clock.Now().Add(t.options.Believe))
	}
	return m, errors.Join(err, t.keep(m))
}

// kept gives a manifest that the store has.
func (t *Transfer) kept(d v1.Descriptor) (registry.Manifest, bool) {
	if _, ok := t.store.Has(d.Digest); !ok {
		return registry.Manifest{}, false
	}
	b, err := t.store.ReadAll(d.Digest, registry.ManifestLimit)
	if err != nil {
		return registry.Manifest{}, false
	}
	return registry.NewManifest(d.MediaType, b), true
}

func (t *Transfer) keep(m registry.Manifest) error {
	_, err := t.store.Put(m.Bytes)
	return err
}

// byDigest gets a manifest from the store, else from the first source that has it.
func (t *Transfer) byDigest(ctx context.Context, sources []reference.Reference, d v1.Descriptor) (registry.Manifest, error) {
	if m, ok := t.kept(d); ok {
		return m, nil
	}
	if d.Size > registry.ManifestLimit {
		return registry.Manifest{}, fmt.Errorf("manifest %s: %w: %d bytes", d.Digest, registry.ErrLimit, d.Size)
	}
	if len(sources) == 0 {
		return registry.Manifest{}, fmt.Errorf("manifest %s: %w", d.Digest, registry.ErrNotFound)
	}
	var errs []error
	for _, s := range sources {
		m, err := t.client.Manifest(ctx, s, d.Digest.String())
		if err == nil {
			return m, t.keep(m)
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return registry.Manifest{}, errors.Join(errs...)
}

// single is for a reference that leads to one image.
func (t *Transfer) single(ctx context.Context, r Request, o *outcome, top registry.Manifest) error {
	p, err := readImage(top)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Ref, err)
	}
	is, err := t.platformOf(ctx, o.image.Sources, p)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Ref, err)
	}
	for _, w := range r.Platforms {
		want, err := v1.ParsePlatform(w)
		if err != nil {
			return fmt.Errorf("platform %q: %w", w, err)
		}
		if _, ok := serves(is, *want); ok {
			o.image.Platforms[w] = p
			continue
		}
		o.missing = append(o.missing, MissingPlatform{Ref: r.Ref, Platform: w, Has: []string{word(is)}})
	}
	return nil
}

// platformOf reads the config of an image.
func (t *Transfer) platformOf(ctx context.Context, sources []reference.Reference, p PlatformImage) (v1.Platform, error) {
	b, err := t.config(ctx, sources, p.Config)
	if err != nil {
		return v1.Platform{}, err
	}
	return configPlatform(b)
}

// config gets a config from the store, else from the first source that has it.
func (t *Transfer) config(ctx context.Context, sources []reference.Reference, d v1.Descriptor) ([]byte, error) {
	if size, ok := t.store.Has(d.Digest); ok && size == d.Size {
		if b, err := t.store.ReadAll(d.Digest, configLimit); err == nil {
			return b, nil
		}
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("config %s: %w", d.Digest, registry.ErrNotFound)
	}
	var errs []error
	for _, s := range sources {
		b, err := t.client.ReadBlob(ctx, s, d, configLimit)
		if err == nil {
			_, err = t.store.Put(b)
			return b, err
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}
