// Package reference reads container image references, normalises them the way Docker does, and says where their bytes may be fetched.
package reference

import (
	// Digests of both algorithms are read, whatever else the program links.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/distribution/reference"
)

// ErrInvalid is what every error of [Parse] wraps.
var ErrInvalid = errors.New("invalid image reference")

// maxLength bounds what is looked at: a name has at most 255 characters, a tag 128, a digest 135.
const maxLength = 1024

// maxTag is the longest tag that there is.
const maxTag = 128

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
		return Reference{}, fmt.Errorf("%w %q: %s", ErrInvalid, s, reason(s, err))
	}
	named = reference.TagNameOnly(named)
	r := Reference{Host: reference.Domain(named), Path: reference.Path(named)}
	if t, ok := named.(reference.Tagged); ok {
		r.Tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		r.Digest = d.Digest().String()
	}
	if err := r.check(); err != nil {
		return Reference{}, fmt.Errorf("%w %q: %w", ErrInvalid, s, err)
	}
	return r, nil
}

// check refuses what the grammar allows and no registry has.
func (r Reference) check() error {
	if r.Host == "" { // the grammar takes a first component with a dot, but with an underscore too, for a part of the path
		host, _, _ := strings.Cut(r.Path, "/")
		return fmt.Errorf("%s is not a host name", host)
	}
	if strings.ToLower(r.Host) != r.Host {
		return fmt.Errorf("repository name must be lowercase (%s could only be a host without a domain)", r.Host)
	}
	if i := strings.LastIndexByte(r.Host, ':'); i > strings.IndexByte(r.Host, ']') {
		if port, err := strconv.ParseUint(r.Host[i+1:], 10, 16); err != nil || port == 0 {
			return fmt.Errorf("%s is not a port", r.Host[i+1:])
		}
	}
	if algorithm, _, ok := strings.Cut(r.Digest, ":"); ok && algorithm != "sha256" && algorithm != "sha512" {
		return fmt.Errorf("the digest is %s; registries have sha256 and sha512", algorithm)
	}
	return nil
}

// form is what every reference looks like.
const form = "it is not of the form [host/]name[:tag][@sha256:digest]"

// reason says more than that the format is wrong, where more can be said.
func reason(s string, err error) string {
	text := strings.TrimPrefix(err.Error(), reference.ErrReferenceInvalidFormat.Error())
	_, tag, _ := strings.Cut(s[strings.LastIndexByte(s, '/')+1:], ":")
	switch {
	case text != "":
		return strings.TrimPrefix(text, ": ")
	case s == "":
		return "it is empty"
	case strings.Contains(s, "{{"):
		return "a template that was not rendered"
	case strings.Contains(s, "://"):
		return "leave the scheme out"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "it has a space, a control character or a letter outside ASCII"
	case len(tag) > maxTag && !strings.ContainsAny(tag, ":@"):
		return fmt.Sprintf("the tag has %d characters, at most %d are allowed", len(tag), maxTag)
	}
	return form
}

// hostLike is a first component that can only be a host: it has a dot or a port, is an IPv6 address or localhost.
var hostLike = regexp.MustCompile(`^(?i:localhost|[a-z0-9.-]*\.[a-z0-9.-]*|[a-z0-9.-]+:[0-9]+|\[[0-9a-f:]+\](:[0-9]+)?)$`)

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

// DigestTag is the tag that stands for the digest, since only tags travel into a cluster: sha256-<hex>. It is empty without a digest, and for a SHA-512
// digest, which is too long for a tag; the fallback tag has to do then.
func (r Reference) DigestTag() string {
	tag := strings.Replace(r.Digest, ":", "-", 1)
	if len(tag) > maxTag {
		return ""
	}
	return tag
}

// WithTag is the same repository under another tag.
func (r Reference) WithTag(tag string) Reference {
	return Reference{Host: r.Host, Path: r.Path, Tag: tag}
}

// MarshalText writes the reference as [Reference.String] does, for documents.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
