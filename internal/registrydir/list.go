package registrydir

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Entry is a line of the directory's listing.
type Entry struct {
	// Repository is the path in a cluster's registry: library/nginx.
	Repository string `json:"repository"`
	// Tag is empty for a manifest that only its digest names.
	Tag       string          `json:"tag,omitempty"`
	Digest    v1.Hash         `json:"digest"`
	MediaType types.MediaType `json:"mediaType"`
	// Platform is empty for an index and for what is not a container image.
	Platform string `json:"platform,omitempty"`
	// Size is the bytes of manifest, config and layers together.
	Size int64 `json:"size"`
}

// List reads the manifests and configs: every tag, then the manifests without one, by repository.
func (d *Dir) List() ([]Entry, error) {
	var all []Entry
	for name, repo := range d.repos {
		untagged := hashes{}
		for h := range repo.revisions {
			untagged.add(h)
		}
		for tagName, t := range repo.tags {
			delete(untagged, t.current)
			all = append(all, Entry{Repository: name, Tag: tagName, Digest: t.current})
		}
		for h := range untagged {
			all = append(all, Entry{Repository: name, Digest: h})
		}
	}
	for i := range all {
		if err := d.describe(&all[i]); err != nil {
			return nil, fmt.Errorf("list %s@%s: %w", all[i].Repository, all[i].Digest, err)
		}
	}
	slices.SortFunc(all, compareEntries)
	return all, nil
}

// Tags are the manifests that tags name, by path:tag. Nothing is read for it.
func (d *Dir) Tags() map[string]v1.Hash {
	out := map[string]v1.Hash{}
	for name, repo := range d.repos {
		for tagName, t := range repo.tags {
			out[name+":"+tagName] = t.current
		}
	}
	return out
}

// describe reads what the manifest and its config say.
func (d *Dir) describe(e *Entry) error {
	m, b, err := d.manifest(e.Digest)
	if err != nil {
		return err
	}
	p, err := d.platform(m)
	if err != nil {
		return err
	}
	if p != nil {
		e.Platform = p.String()
	}
	e.MediaType, e.Size = m.MediaType, int64(len(b))
	for _, b := range m.blobs() {
		e.Size += b.Size
	}
	return nil
}

func compareEntries(a, b Entry) int {
	switch {
	case a.Repository != b.Repository:
		return strings.Compare(a.Repository, b.Repository)
	case (a.Tag == "") != (b.Tag == ""):
		return strings.Compare(b.Tag, a.Tag)
	case a.Tag != b.Tag:
		return strings.Compare(a.Tag, b.Tag)
	}
	return compareHashes(a.Digest, b.Digest)
}
