package registrydir

import (
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Moved is a tag that is there on disk for an image of another platform.
type Moved struct {
	// Name is the path and tag.
	Name string
	// Platform is what it is for there; empty for an index, which may be for all.
	Platform string
}

// Moves lists the tags of the directory on disk that [Dir.Write], for one platform, would take from an image of another one, or of several. Where they name the same images or
// are not there yet, one small file a tag is read. A directory that is damaged has no answer: it moves none.
func (d *Dir) Moves(path, platform string) []Moved {
	wanted, err := v1.ParsePlatform(platform)
	others := d.others(path)
	if err != nil || len(others) == 0 {
		return nil
	}
	there, err := Read(path)
	if err != nil {
		return nil
	}
	var out []Moved
	for name, h := range others {
		m, _, err := there.manifest(h)
		if err != nil {
			continue
		}
		if m.MediaType.IsIndex() {
			out = append(out, Moved{Name: name})
		} else if p, err := there.platform(m); err == nil && p != nil && !serves(*p, *wanted) {
			out = append(out, Moved{name, p.String()})
		}
	}
	slices.SortFunc(out, func(a, b Moved) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// others are the manifests that tags of this directory name at path, where they are not the ones that they name here.
func (d *Dir) others(path string) map[string]v1.Hash {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil
	}
	defer root.Close()
	out := map[string]v1.Hash{}
	for name, repo := range d.repos {
		for tagName, t := range repo.tags {
			text, err := root.ReadFile(Root + "/" + currentLink(name, tagName))
			if err != nil || string(text) == t.current.String() {
				continue
			}
			if h, err := v1.NewHash(string(text)); err == nil {
				out[name+":"+tagName] = h
			}
		}
	}
	return out
}
