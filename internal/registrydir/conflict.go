package registrydir

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Conflict is a path and tag that two askers need for different content.
type Conflict struct {
	// Name is the path and tag in the registry directory: library/nginx:1.23.
	Name string
	// First and Second say who asks: references, or the directory that the tag was read from.
	First, Second string
	// FirstDigest and SecondDigest are the manifests that they mean.
	FirstDigest, SecondDigest v1.Hash
	// Advice is what to do.
	Advice string
}

// String is the whole story in one line.
func (c Conflict) String() string {
	return fmt.Sprintf("%s: %s is %s, but %s is %s: %s", c.Name, c.First, c.FirstDigest, c.Second, c.SecondDigest, c.Advice)
}

// ConflictError lists every conflict that was found.
type ConflictError struct{ Conflicts []Conflict }

func (e *ConflictError) Error() string {
	lines := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		lines[i] = c.String()
	}
	return "different content under one name, since a cluster's registry keeps no hosts and one manifest a tag: " + strings.Join(lines, "; ")
}

// claim is a tag that a reference needs.
type claim struct {
	tag    string
	ref    reference.Reference
	digest v1.Hash
	advice func(first, second reference.Reference) string
}

// claims are the tags of an image, what it is called before what it falls back to.
func (i Image) claims() []claim {
	made := claim{ref: i.Ref, digest: i.Manifest.Digest, advice: adviseNames}
	if i.Ref.Tag != "" {
		made.tag = i.Ref.Tag
		return []claim{made}
	}
	var all []claim
	if made.tag = i.Ref.DigestTag(); made.tag != "" {
		all = append(all, made)
	}
	made.tag, made.advice = i.Ref.FallbackTag(), adviseFallback
	return append(all, made)
}

func adviseNames(first, second reference.Reference) string {
	switch {
	case first.Host != second.Host:
		return "use the image of one registry for both, or another tag for one of them"
	case first.Digest != "" || second.Digest != "":
		return "use the same digest for both, or another tag for one of them"
	}
	return "build again, the tag moved while it was read"
}

func adviseFallback(_, second reference.Reference) string {
	return fmt.Sprintf("a node that does not find the digest of %s takes this tag instead; write the tag that belongs to the digest before the @", second)
}

// tagAll gives every image its tags: first those that references name, then those that stand in for a digest.
func (d *Dir) tagAll(images []Image) error {
	var conflicts []Conflict
	owners := map[string]claim{}
	for _, explicit := range []bool{true, false} {
		for _, image := range images {
			if (image.Ref.Tag != "") != explicit {
				continue
			}
			for _, c := range image.claims() {
				conflicts = append(conflicts, d.claim(owners, image.Ref.Path, c)...)
			}
		}
	}
	if len(conflicts) > 0 {
		return &ConflictError{Conflicts: conflicts}
	}
	return nil
}

// claim takes the tag where it is free or means the same manifest.
func (d *Dir) claim(owners map[string]claim, path string, c claim) []Conflict {
	name := path + ":" + c.tag
	first, taken := owners[name]
	if !taken {
		owners[name] = c
		d.repo(path).tags[c.tag] = &tag{current: c.digest, index: hashes{c.digest: {}}, by: c.ref.String()}
		return nil
	}
	if first.digest == c.digest {
		return nil
	}
	return []Conflict{{
		Name: name, First: first.ref.String(), Second: c.ref.String(),
		FirstDigest: first.digest, SecondDigest: c.digest, Advice: c.advice(first.ref, c.ref),
	}}
}
