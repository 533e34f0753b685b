package reference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalidMirror is what every error of [ParseMirror] wraps.
var ErrInvalidMirror = errors.New("invalid mirror")

// Mirror says where the bytes of every repository under a prefix are fetched. The stored name stays what was asked for.
type Mirror struct {
	// Prefix is a host or a host and leading path components: docker.io, docker.io/bitnami.
	Prefix string
	// Target takes the place of the prefix: mirror.example.com, docker.io/bitnamilegacy.
	Target string
	// Reason says why, where a recipe carries the mirror.
	Reason string
}

// Mirrors are tried in their order; among different prefixes the longest that matches counts.
type Mirrors []Mirror

// ParseMirror reads PREFIX=PREFIX, for example docker.io=mirror.example.com or docker.io/bitnami=docker.io/bitnamilegacy.
func ParseMirror(s string) (Mirror, error) {
	prefix, target, ok := strings.Cut(s, "=")
	prefix, target = strings.TrimSuffix(prefix, "/"), strings.TrimSuffix(target, "/")
	switch {
	case !ok:
		return Mirror{}, fmt.Errorf("%w %q: want PREFIX=PREFIX, for example docker.io=mirror.example.com", ErrInvalidMirror, s)
	case strings.Contains(prefix, "://") || strings.Contains(target, "://"):
		return Mirror{}, fmt.Errorf("%w %q: leave the scheme out; for a registry without TLS add --plain-http HOST", ErrInvalidMirror, s)
	}
	for _, side := range []string{prefix, target} {
		if _, err := Parse(side + "/x"); err != nil {
			return Mirror{}, fmt.Errorf("%w %q: %q is not a registry host with an optional path", ErrInvalidMirror, s, side)
		}
		if host, _, _ := strings.Cut(side, "/"); !hostLike.MatchString(host) {
			return Mirror{}, fmt.Errorf("%w %q: %q does not start with a registry host: write docker.io/%[3]s for Docker Hub", ErrInvalidMirror, s, side)
		}
	}
	return Mirror{Prefix: canonicalHost(prefix), Target: canonicalHost(target)}, nil
}

// canonicalHost spells Docker Hub the one way that references do.
func canonicalHost(prefix string) string {
	host, rest, _ := strings.Cut(prefix, "/")
	switch host = strings.ToLower(host); host {
	case "index.docker.io", "registry-1.docker.io":
		host = "docker.io"
	}
	if rest == "" {
		return host
	}
	return host + "/" + rest
}

func (m Mirror) matches(repository string) bool {
	return repository == m.Prefix || strings.HasPrefix(repository, m.Prefix+"/")
}

// apply puts the target in the prefix's place. The library/ of an official image stays: mirrors of Docker Hub serve it so.
func (m Mirror) apply(r Reference) Reference {
	host, path, _ := strings.Cut(m.Target+strings.TrimPrefix(r.Repository(), m.Prefix), "/")
	if host == "docker.io" && path != "" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return Reference{Host: host, Path: path, Tag: r.Tag, Digest: r.Digest}
}

// longest is the mirrors with the longest prefix that matches, in their order.
func (ms Mirrors) longest(r Reference) Mirrors {
	var best Mirrors
	for _, m := range ms {
		switch {
		case !m.matches(r.Repository()):
		case len(best) == 0 || len(m.Prefix) > len(best[0].Prefix):
			best = Mirrors{m}
		case len(m.Prefix) == len(best[0].Prefix):
			best = append(best, m)
		}
	}
	return best
}

// Sources lists where the reference may be fetched, in the order to try: what the longest matching prefix says, the reference itself last.
func (ms Mirrors) Sources(r Reference) []Reference {
	var sources []Reference
	for _, m := range ms.longest(r) {
		if s := m.apply(r); s.Path != "" {
			sources = append(sources, s)
		}
	}
	return unique(append(sources, r))
}

// Sources joins a recipe's mirrors (where a project moved its images) with those of the one who runs the build (where that place is reached): the
// user's mirrors apply to what the recipe's lead to. A user's prefix that is at least as long as the recipe's replaces it.
func Sources(r Reference, recipe, user Mirrors) []Reference {
	moved, reached := recipe.longest(r), user.longest(r)
	if len(moved) == 0 || len(reached) > 0 && len(reached[0].Prefix) >= len(moved[0].Prefix) {
		return user.Sources(r)
	}
	var sources []Reference
	for _, m := range moved {
		if s := m.apply(r); s.Path != "" {
			sources = append(sources, user.Sources(s)...)
		}
	}
	return unique(append(sources, user.Sources(r)...))
}

func unique(refs []Reference) []Reference {
	var out []Reference
	for _, r := range refs {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
