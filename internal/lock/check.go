package lock

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	platformName = regexp.MustCompile(`^linux/[a-z0-9]+$`)
	hexSum       = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hexCommit    = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// check refuses what no build could be held to: what is named twice, or has no digest where it must have one.
func (l *Lock) check() error {
	if l.Format != Format || l.Name == "" || l.Version == "" {
		return fmt.Errorf("want format: %d, a name and a version", Format)
	}
	for _, p := range l.Platforms {
		if !platformName.MatchString(p) {
			return fmt.Errorf("%q is no platform", p)
		}
	}
	for _, sums := range []map[string]string{l.Values, l.Contexts} {
		for _, p := range slices.Sorted(maps.Keys(sums)) {
			if !slices.Contains(l.Platforms, p) || !hexSum.MatchString(sums[p]) {
				return fmt.Errorf("%q: %q: want a SHA-256 for each platform", p, sums[p])
			}
		}
	}
	return errors.Join(l.checkInputs(), l.checkImages())
}

func (l *Lock) checkInputs() error {
	type key struct{ source, platform string }
	seen := map[key]bool{}
	for _, i := range l.Inputs {
		k := key{i.Source, i.Platform}
		switch {
		case i.Source == "":
			return errors.New("an input lacks source")
		case seen[k]:
			return fmt.Errorf("the input %s is there twice", i.Source)
		case i.Platform != "" && !slices.Contains(l.Platforms, i.Platform):
			return fmt.Errorf("the input %s is for %q, which is none of the platforms", i.Source, i.Platform)
		case !hexSum.MatchString(i.SHA256):
			return fmt.Errorf("the input %s has the checksum %q: it has 64 hexadecimal digits", i.Source, i.SHA256)
		case i.Commit != "" && !hexCommit.MatchString(i.Commit):
			return fmt.Errorf("the input %s has the commit %q: it has 40 hexadecimal digits", i.Source, i.Commit)
		case i.Size < 0:
			return fmt.Errorf("the input %s has the size %d", i.Source, i.Size)
		}
		seen[k] = true
	}
	return nil
}

func (l *Lock) checkImages() error {
	seen := map[string]bool{}
	for _, i := range l.Images {
		switch {
		case i.Ref == "":
			return errors.New("an image lacks ref")
		case seen[i.Ref] || slices.Contains(l.Absent, i.Ref):
			return fmt.Errorf("the image %s is there twice", i.Ref)
		case !isDigest(i.Digest) || len(i.Platforms) == 0:
			return fmt.Errorf("the image %s lacks its digest, sha256 and 64 hexadecimal digits, or its platforms", i.Ref)
		}
		seen[i.Ref] = true
		for _, p := range slices.Sorted(maps.Keys(i.Platforms)) {
			if m := i.Platforms[p]; !slices.Contains(l.Platforms, p) || !isDigest(m.Digest) || m.Size < 0 {
				return fmt.Errorf("the image %s has %q for %q, which is no digest, no size, or none of the platforms", i.Ref, m.Digest, p)
			}
		}
	}
	return nil
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && hexSum.MatchString(hex)
}
