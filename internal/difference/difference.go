// Package difference compares what two cluster images hold: the container images that came, went, or are another version.
package difference

import (
	"cmp"
	"slices"
	"strings"
)

// Image is a container image that a cluster image holds for one platform.
type Image struct {
	// Ref is the whole reference, with tag or digest.
	Ref string `json:"image"`
	// Platform is written as linux/arm64.
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Bytes    int64  `json:"bytes"`
}

// repository is the reference without tag and digest.
func (i Image) repository() string {
	ref, _, _ := strings.Cut(i.Ref, "@")
	if at := strings.LastIndexByte(ref, ':'); at > strings.LastIndexByte(ref, '/') {
		return ref[:at]
	}
	return ref
}

// Move is an image of one repository that is another one now.
type Move struct {
	From Image `json:"from"`
	To   Image `json:"to"`
}

// Difference is what two cluster images do not have in common.
type Difference struct {
	Added   []Image `json:"added"`
	Removed []Image `json:"removed"`
	// Moved are those that have another tag or another content.
	Moved []Move `json:"moved"`
	// Same is how many are the same in both.
	Same int `json:"same"`
	// Before and After are the bytes of all images by platform, a layer counted with each image that has it.
	Before map[string]int64 `json:"before"`
	After  map[string]int64 `json:"after"`
}

// Between compares by platform and repository.
func Between(before, after []Image) Difference {
	d := Difference{Added: []Image{}, Removed: []Image{}, Moved: []Move{}, Before: bytes(before), After: bytes(after)}
	type key struct{ platform, repository string }
	old := map[key][]Image{}
	for _, i := range sorted(before) {
		k := key{i.Platform, i.repository()}
		old[k] = append(old[k], i)
	}
	left := []Image{}
	for _, i := range sorted(after) {
		k := key{i.Platform, i.repository()}
		if at := slices.IndexFunc(old[k], func(o Image) bool { return o.Ref == i.Ref && o.Digest == i.Digest }); at >= 0 {
			old[k] = slices.Delete(old[k], at, at+1)
			d.Same++
			continue
		}
		left = append(left, i)
	}
	for _, i := range left {
		k := key{i.Platform, i.repository()}
		if len(old[k]) == 0 {
			d.Added = append(d.Added, i)
			continue
		}
		d.Moved = append(d.Moved, Move{From: old[k][0], To: i})
		old[k] = old[k][1:]
	}
	for _, rest := range old {
		d.Removed = append(d.Removed, rest...)
	}
	d.Removed = sorted(d.Removed)
	return d
}

func bytes(images []Image) map[string]int64 {
	out := map[string]int64{}
	for _, i := range images {
		out[i.Platform] += i.Bytes
	}
	return out
}

func sorted(images []Image) []Image {
	out := slices.Clone(images)
	slices.SortFunc(out, func(a, b Image) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Digest, b.Digest))
	})
	return out
}
