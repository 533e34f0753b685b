package transfer

import (
	"cmp"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Plan is every blob that the images need, once, the largest first.
type Plan struct {
	Blobs []Blob
	// Total counts a blob for every image and platform that has it, Unique once, Stored what of Unique the store has.
	// Bytes of configs and layers, without manifests.
	Total, Unique, Stored int64
	// Images are in the order of the resolution, their platforms sorted.
	Images []PlannedImage
}

// Blob is one blob of a plan.
type Blob struct {
	Desc v1.Descriptor
	// Sources are where it may be fetched, in the order to try.
	Sources []reference.Reference
	Stored  bool
	// Images are those that have the blob.
	Images []string
}

// PlannedImage is one image for one platform: a row of the table that a dry run prints.
type PlannedImage struct {
	Ref      reference.Reference
	Platform string
	Digest   v1.Hash
	Blobs    int
	// Total is all its bytes, New those that no image before it in the plan has, Stored those that the store has. Manifest is how many its manifest has,
	// which is fetched already and in none of these.
	Total, New, Stored, Manifest int64
}

// blobKey tells blobs apart. Two manifests that give one digest two sizes cannot both be right; fetching tells which.
type blobKey struct {
	digest v1.Hash
	size   int64
}

// Plan works out what is to be moved.
func (t *Transfer) Plan(r Resolution) Plan {
	p := planner{transfer: t, at: map[blobKey]int{}}
	for _, i := range r.Images {
		for _, platform := range sortedKeys(i.Platforms) {
			p.image(i, platform)
		}
	}
	slices.SortStableFunc(p.plan.Blobs, func(a, b Blob) int { return cmp.Compare(b.Desc.Size, a.Desc.Size) })
	return p.plan
}

type planner struct {
	transfer *Transfer
	plan     Plan
	at       map[blobKey]int
}

func sortedKeys(m map[string]PlatformImage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (p *planner) image(i Image, platform string) {
	image := i.Platforms[platform]
	row := PlannedImage{Ref: i.Ref, Platform: platform, Digest: image.Manifest.Digest, Manifest: int64(len(image.Manifest.Bytes))}
	for _, d := range image.blobs() {
		before := len(p.plan.Blobs)
		b := p.blob(i, d)
		row.Blobs++
		row.Total += d.Size
		if len(p.plan.Blobs) > before {
			row.New += d.Size
		}
		if b.Stored {
			row.Stored += d.Size
		}
	}
	p.plan.Total += row.Total
	p.plan.Images = append(p.plan.Images, row)
}

// blob notes that the image has the blob.
func (p *planner) blob(i Image, d v1.Descriptor) *Blob {
	key := blobKey{d.Digest, d.Size}
	at, known := p.at[key]
	if !known {
		at = len(p.plan.Blobs)
		p.at[key] = at
		size, ok := p.transfer.store.Has(d.Digest)
		b := Blob{Desc: d, Stored: ok && size == d.Size}
		p.plan.Unique += d.Size
		if b.Stored {
			p.plan.Stored += d.Size
		}
		p.plan.Blobs = append(p.plan.Blobs, b)
	}
	b := &p.plan.Blobs[at]
	b.Sources = addSources(b.Sources, i.Sources)
	if name := i.Ref.String(); len(b.Images) == 0 || b.Images[len(b.Images)-1] != name {
		b.Images = append(b.Images, name)
	}
	return b
}

// maxSources bounds the places that one blob is looked for.
const maxSources = 4

func addSources(have, more []reference.Reference) []reference.Reference {
	for _, s := range more {
		repo := reference.Reference{Host: s.Host, Path: s.Path}
		if len(have) < maxSources && !slices.Contains(have, repo) {
			have = append(have, repo)
		}
	}
	return have
}
