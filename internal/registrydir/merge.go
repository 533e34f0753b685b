package registrydir

import (
	"slices"
	"strings"
)

// Merge adds what another directory of the same platform holds, a recipe's own for example. Where both have a tag with different content, nothing is
// added and a [*ConflictError] names all such tags.
func (d *Dir) Merge(o *Dir) error {
	if conflicts := d.conflicts(o); len(conflicts) > 0 {
		return &ConflictError{Conflicts: conflicts}
	}
	for h, b := range o.blobs {
		if have, ok := d.blobs[h]; ok && have.size != b.size {
			return &DefectsError{Defects: []Defect{{Root + "/" + blobPath(h), sizeProblem(have.size, b.size)}}}
		}
	}
	for h, b := range o.blobs {
		if _, ok := d.blobs[h]; !ok {
			d.blobs[h] = b
		}
	}
	for name, from := range o.repos {
		d.repo(name).merge(from)
	}
	return nil
}

func (r *repository) merge(from *repository) {
	for h := range from.layers {
		r.layers.add(h)
	}
	for h := range from.revisions {
		r.revisions.add(h)
	}
	for name, t := range from.tags {
		have, ok := r.tags[name]
		if !ok {
			have = &tag{current: t.current, index: hashes{}, by: t.by}
			r.tags[name] = have
		}
		for h := range t.index {
			have.index.add(h)
		}
	}
}

func (d *Dir) conflicts(o *Dir) []Conflict {
	var all []Conflict
	for name, theirs := range o.repos {
		ours, ok := d.repos[name]
		if !ok {
			continue
		}
		for tagName, t := range theirs.tags {
			if have, ok := ours.tags[tagName]; ok && have.current != t.current {
				all = append(all, Conflict{
					Name: name + ":" + tagName, First: have.by, Second: t.by, FirstDigest: have.current, SecondDigest: t.current,
					Advice: "remove the image from the one or the other",
				})
			}
		}
	}
	slices.SortFunc(all, func(a, b Conflict) int { return strings.Compare(a.Name, b.Name) })
	return all
}
