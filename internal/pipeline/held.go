package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// A fixed tag that exists is refused as soon as it is certain that the build comes to another digest: before the first step where the image itself, or
// what this machine remembers of it, says so; else when the contexts are made and all images are resolved, before a blob is fetched. What is certain
// only when all bytes are there, the push refuses.

// foresee refuses before the first step.
func (b *build) foresee(ctx context.Context) error {
	origin, err := b.order.origin()
	if err != nil {
		return err
	}
	return b.refuseHeld(ctx, func(ctx context.Context, s publish.Standing) (string, error) {
		switch made := b.store.Origins(s.Present); {
		case origin == "" || len(made) == 0:
		case slices.Contains(made, origin):
			return "", nil
		default:
			return "which was built here of other files or with other flags", nil
		}
		index, err := b.presentIndex(ctx, s)
		if err != nil {
			return "", err
		}
		return b.order.otherForm(index), nil
	})
}

// compare refuses before a blob is fetched. Where none has to be, the build itself tells sooner than the registry could.
func (b *build) compare(ctx context.Context) error {
	if len(b.meant) == 0 && b.Plan.Stored == b.Plan.Unique {
		return nil
	}
	return b.refuseHeld(ctx, func(ctx context.Context, s publish.Standing) (string, error) {
		why, err := b.otherImages(ctx, s)
		if why == "" && err == nil {
			why, err = b.otherFiles(ctx, s)
		}
		return why, err
	})
}

// refuseHeld asks about every tag that is held. What can't be found out stops nothing: the push decides at last.
func (b *build) refuseHeld(ctx context.Context, judge func(context.Context, publish.Standing) (why string, err error)) error {
	reasons := map[publish.Standing]string{}
	for _, s := range slices.Concat(b.standing, b.meant) {
		if !s.Held() {
			continue
		}
		why, err := judge(ctx, s)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			b.Reporter.Note("%s can't be compared with this build yet: %v", s.Ref, err)
		}
		if why != "" {
			reasons[s] = why
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return publish.Refuse(reasons, len(b.standing)+len(b.meant))
}

// presentIndex is what the tag names; nil when that is no index.
func (b *build) presentIndex(ctx context.Context, s publish.Standing) (*v1.IndexManifest, error) {
	m, err := b.client.Manifest(ctx, s.Ref, s.Present.String())
	if err != nil || !m.MediaType.IsIndex() {
		return nil, err
	}
	index := new(v1.IndexManifest)
	if err := json.Unmarshal(m.Bytes, index); err != nil {
		return nil, fmt.Errorf("read index of %s: %w", s.Ref, err)
	}
	return index, nil
}

// otherForm says what every image of this order has, and the index has not.
func (o Order) otherForm(index *v1.IndexManifest) string {
	if index == nil {
		return "which is no index of platforms, and every build makes one"
	}
	var platforms []string
	for _, d := range index.Manifests {
		if d.Platform == nil {
			return "an index that names no platforms, and every build's does"
		}
		platforms = append(platforms, d.Platform.OS+"/"+d.Platform.Architecture)
	}
	slices.Sort(platforms)
	if !slices.Equal(platforms, o.Platforms) {
		return fmt.Sprintf("for %s, and this build is for %s", strings.Join(platforms, ", "), strings.Join(o.Platforms, ", "))
	}
	want := o.annotations(nil)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got := index.Annotations[k]; got != want[k] {
			return fmt.Sprintf("whose %s is %.60q, and that of this build is %.60q", k, got, want[k])
		}
	}
	return ""
}

// otherImages compares the container images that the tag's image holds with those that were resolved.
func (b *build) otherImages(ctx context.Context, s publish.Standing) (string, error) {
	held, err := b.RemoteContents(ctx, byDigest(s))
	if err != nil {
		return "", err
	}
	for _, p := range b.order.Platforms {
		now, was := b.Registries[p].Tags(), map[string]v1.Hash{}
		for _, e := range held[p] {
			was[e.Repository+":"+e.Tag] = e.Digest
		}
		for _, name := range slices.Sorted(maps.Keys(now)) {
			if was[name] != now[name] {
				return fmt.Sprintf("which holds another %s for %s than this build would", name, p), nil
			}
		}
		for _, name := range slices.Sorted(maps.Keys(was)) {
			if _, ok := now[name]; !ok {
				return fmt.Sprintf("which holds %s for %s, and this build would not", name, p), nil
			}
		}
	}
	return "", nil
}

// byDigest names the image, whatever becomes of the tag meanwhile.
func byDigest(s publish.Standing) reference.Reference {
	return reference.Reference{Host: s.Ref.Host, Path: s.Ref.Path, Digest: s.Present.String()}
}

// otherFiles compares the layer of the application's files, which is the last one.
func (b *build) otherFiles(ctx context.Context, s publish.Standing) (string, error) {
	index, err := b.presentIndex(ctx, s)
	if err != nil || index == nil {
		return "", err
	}
	for _, d := range index.Manifests {
		last, err := b.lastLayer(ctx, s.Ref, d.Digest)
		if err != nil {
			return "", err
		}
		p := d.Platform.OS + "/" + d.Platform.Architecture
		in := b.input(b.materials(), p, b.order.ImageOptions)
		if in.Kubefile, err = b.order.buildFile(in.Dir, p); err != nil {
			return "", err
		}
		app, err := assemble.Application(ctx, in)
		if err != nil {
			return "", err
		}
		if last != app.Desc.Digest {
			return fmt.Sprintf("which has other files of the application for %s than this build", p), nil
		}
	}
	return "", nil
}

// lastLayer is the digest of an image's last layer; zero when it has none.
func (b *build) lastLayer(ctx context.Context, ref reference.Reference, image v1.Hash) (v1.Hash, error) {
	m, err := b.client.Manifest(ctx, ref, image.String())
	if err != nil {
		return v1.Hash{}, err
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(m.Bytes, &manifest); err != nil {
		return v1.Hash{}, fmt.Errorf("read manifest %s of %s: %w", image, ref, err)
	}
	if len(manifest.Layers) == 0 {
		return v1.Hash{}, nil
	}
	return manifest.Layers[len(manifest.Layers)-1].Digest, nil
}

// origin is a word for all that is known of a build before its first step: whoever has another one comes to another image, as a rule. It is empty where
// no recipe is carried out.
func (o Order) origin() (string, error) {
	if o.Recipe.FS == nil {
		return "", nil
	}
	files, err := o.Recipe.Digest()
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]any{
		"recipe": files, "kind": o.Recipe.Kind, "name": o.Name, "version": o.Version, "platforms": o.Platforms,
		"labels": o.Labels, "annotations": o.Annotations, "time": o.Time, "arguments": o.Arguments,
	})
	if err != nil {
		return "", fmt.Errorf("describe the build: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
