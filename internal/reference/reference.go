// Package reference reads container image references, normalises them the way Docker does, and says where their bytes may be fetched.
package reference

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// ErrInvalid is what every error of [Parse] wraps.
var ErrInvalid = errors.New("invalid image reference")

// maxLength bounds what is looked at: a name has at most 255 characters, a tag 128, a digest 135.
const maxLength = 1024

// Reference is a normalised image reference. Host and Path are always set; Tag, Digest or both are.
type Reference struct {
	// Host is the registry as names spell it, with its port: docker.io, quay.io, localhost:5000.
	Host string
	// Path is the repository without the host: library/nginx.
	Path string
	// Tag is empty only when the reference names a digest alone.
	Tag string
	// Digest is algorithm:hex, or empty.
	Digest string
}

// Parse reads a reference and normalises it: docker.io and library/ are added where they are left out, and so is the tag latest where there is
// neither a tag nor a digest. A host with an upper-case letter is lowered, since host names have no case.
func Parse(s string) (Reference, error) {
	if len(s) > maxLength {
		return Reference{}, fmt.Errorf("%w: %d characters, at most %d can be one", ErrInvalid, len(s), maxLength)
	}
	named, err := reference.ParseNormalizedNamed(lowerHost(s))
	if err != nil {
		return Reference{}, fmt.Errorf("%w %q: %s", ErrInvalid, s, strings.TrimPrefix(err.Error(), "invalid reference format: "))
	}
	named = reference.TagNameOnly(named)
	r := Reference{Host: reference.Domain(named), Path: reference.Path(named)}
	if t, ok := named.(reference.Tagged); ok {
		r.Tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		r.Digest = d.Digest().String()
	}
	return r, nil
}

// hostLike is a first component that can only be a host: it has a dot or a port, or is localhost.
var hostLike = regexp.MustCompile(`^(?i:localhost|[a-z0-9.-]*\.[a-z0-9.-]*|[a-z0-9.-]+:[0-9]+)$`)

func lowerHost(s string) string {
	host, rest, ok := strings.Cut(s, "/")
	if !ok || !hostLike.MatchString(host) {
		return s
	}
	return strings.ToLower(host) + "/" + rest
}

// String is the whole reference: host/path[:tag][@digest].
func (r Reference) String() string {
	s := r.Repository()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Repository is the name without tag and digest: docker.io/library/nginx.
func (r Reference) Repository() string {
	if r.Host == "" {
		return r.Path
	}
	return r.Host + "/" + r.Path
}

// Wanted is what a registry is asked for: the digest where there is one, else the tag.
func (r Reference) Wanted() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// FallbackTag is the tag that image-cri-shim asks for when the digest is not there: the text before the @, so the tag, else latest.
func (r Reference) FallbackTag() string {
	if r.Tag != "" {
		return r.Tag
	}
	return "latest"
}

// DigestTag is the tag that stands for the digest, since only tags travel into a cluster: sha256-<hex>. It is empty without a digest.
func (r Reference) DigestTag() string {
	return strings.Replace(r.Digest, ":", "-", 1)
}

// WithTag is the same repository under another tag.
func (r Reference) WithTag(tag string) Reference {
	return Reference{Host: r.Host, Path: r.Path, Tag: tag}
}
