package transfer

import (
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// candidate is an entry of an index that is an image.
type candidate struct {
	desc     v1.Descriptor
	platform v1.Platform
}

// attestation says whether an entry of an index is not an image but a statement about one.
func attestation(d v1.Descriptor) bool {
	_, marked := d.Annotations["vnd.docker.reference.type"]
	return marked || d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// choose picks the candidate that serves the platform best.
func choose(all []candidate, want v1.Platform) (candidate, bool) {
	best, found := 0, -1
	for i, c := range all {
		if rank, ok := serves(c.platform, want); ok && (found < 0 || rank < best) {
			best, found = rank, i
		}
	}
	if found < 0 {
		return candidate{}, false
	}
	return all[found], true
}

// variants are those that every machine of the architecture runs, the best first. The empty variant means so too.
var variants = map[string][]string{"arm64": {"", "v8"}, "amd64": {"", "v1"}, "arm": {"", "v7", "v6", "v5"}}

// serves says whether an image for one platform runs on another, and how well: the lower the better.
func serves(have, want v1.Platform) (rank int, ok bool) {
	if have.OS != want.OS || have.Architecture != want.Architecture {
		return 0, false
	}
	if have.Variant == want.Variant {
		return 0, true
	}
	if want.Variant != "" && have.Variant != "" && want.Architecture != "arm" && !slices.Contains(variants[want.Architecture], have.Variant) {
		return 0, false
	}
	order := variants[want.Architecture]
	if i := slices.Index(order, want.Variant); i > 0 && want.Architecture == "arm" {
		order = append([]string{""}, order[i:]...) // an older arm runs on a newer one, not the other way round
	}
	i := slices.Index(order, have.Variant)
	return i + 1, i >= 0
}

// word is the platform as this project writes it.
func word(p v1.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// words lists the platforms of candidates, each once.
func words(all []candidate) []string {
	var out []string
	for _, c := range all {
		if w := word(c.platform); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return out
}
