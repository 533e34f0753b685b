package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Image is a cluster image: one OCI image for each platform, and an index over them.
type Image struct {
	// +private
	Module *ClusterImage
	// +private
	App string
	// +private
	Version string
	// +private
	Maybe Maybe
	// +private
	Labels []string
	// +private
	Annotations []string
	// +private
	SourceDateEpoch int
	// Parts are the images of the platforms that the engine built; none when the program assembles the image.
	// +private
	Parts []*dagger.File

	// What is in the image, its platforms, and last its digest.
	Summary string
	// What "cluster-image build --json" prints, without a path, warnings, and what was in a store.
	Document string
	// The digest of the index.
	Digest string
	// The name of the image with its digest.
	Reference string
	// The platforms that there is an image for.
	Platforms []string
	// The build context that the recipe left.
	Context *dagger.Directory
	// The registry directory with every container image that is needed.
	RegistryDir *dagger.Directory
	// The image as an OCI archive, for sealos load, skopeo or cluster-image push.
	Archive *dagger.File
}

// Write the image as an OCI layout directory.
func (i *Image) Layout() *dagger.Directory {
	return i.written("oci-layout", layoutDir).Directory(layoutDir)
}

// List the container images that the image needs.
//
// With explain, every place that asks for one of them.
func (i *Image) Needs(
	ctx context.Context,

	// An image to say every place of that asks for it.
	// +optional
	explain string,
) (string, error) {
	return i.Module.needs(ctx, contexts{dir: i.Context, platforms: i.Platforms}, explain)
}

// Write down every input of the image's version by its digest, for its platforms, as lock does.
//
// +cache="never"
func (i *Image) Lock(ctx context.Context) (*dagger.File, error) {
	return i.Module.Lock(ctx, i.App, i.Version, platformsOf(i.Platforms), i.Maybe, false)
}

// Give the image of one platform as a container, to look into; it runs nothing.
func (i *Image) Container(
	// The platform; that of the engine when not given.
	// +optional
	platform dagger.Platform,
) (*dagger.Container, error) {
	if platform != "" && !slices.Contains(i.Platforms, string(platform)) {
		return nil, fmt.Errorf("%s has no image for %s: it has %s", i.name(), platform, strings.Join(i.Platforms, ", "))
	}
	return dag.Container(dagger.ContainerOpts{Platform: platform}).Import(i.Archive), nil
}

// Prove that a cluster finds everything in the image that the image needs.
//
// +cache="never"
func (i *Image) Verify(ctx context.Context) (string, error) {
	return i.Module.Verify(ctx, i.Archive, platformsOf(i.Platforms), i.Context)
}

func platformsOf(words []string) []dagger.Platform {
	var out []dagger.Platform
	for _, w := range words {
		out = append(out, dagger.Platform(w))
	}
	return out
}

// summary tells what was built.
func summary(images []savedImage, doc assembled) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tPLATFORM\tDIGEST\tBYTES")
	for _, i := range images {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", i.Image, i.Platform, i.Digest, i.Bytes)
	}
	for _, p := range doc.Platforms {
		fmt.Fprintf(w, "this image, %d layers\t%s\t%s\t%d\n", p.Layers, p.Platform, p.Digest, p.Bytes)
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String() + doc.Digest + "\n"
}

// document is the JSON document of assemble with the images that were saved, and what they weigh. Sealos does not say what two images share.
func document(assembled string, images []savedImage) (string, error) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(assembled), &doc); err != nil {
		return "", fmt.Errorf("read result of assemble: %w", err)
	}
	delete(doc, "archive")
	var total, unique int64
	for _, i := range images {
		total, unique = total+i.Bytes, unique+i.Unique
	}
	doc["images"], doc["bytes"] = images, map[string]int64{"total": total, "unique": unique}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write document: %w", err)
	}
	return string(text), nil
}
