package source

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrMirror is what every error of [ParseMirror] wraps.
var ErrMirror = errors.New("invalid source mirror")

// Mirror says that what begins with a prefix is fetched from another place: the target takes the place of the prefix.
type Mirror struct{ Prefix, Target string }

// Mirrors are mirrors of which the longest prefix that matches counts.
type Mirrors []Mirror

// ParseMirror reads PREFIX=PREFIX, for example https://github.com=https://mirror.example.com/https://github.com.
func ParseMirror(s string) (Mirror, error) {
	prefix, target, ok := strings.Cut(s, "=")
	if !ok {
		return Mirror{}, fmt.Errorf("%w %q: want PREFIX=PREFIX, for example https://github.com=https://mirror.example.com/github.com", ErrMirror, s)
	}
	for _, side := range []string{prefix, target} {
		if u, err := url.Parse(side); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			return Mirror{}, fmt.Errorf("%w %q: %q is not the beginning of an https URL", ErrMirror, s, side)
		}
	}
	return Mirror{strings.TrimSuffix(prefix, "/"), strings.TrimSuffix(target, "/")}, nil
}

// Apply gives the address that is fetched in place of one.
func (ms Mirrors) Apply(address string) string {
	var best Mirror
	for _, m := range ms {
		if len(m.Prefix) > len(best.Prefix) && (address == m.Prefix || strings.HasPrefix(address, m.Prefix+"/")) {
			best = m
		}
	}
	if best.Prefix == "" {
		return address
	}
	return best.Target + strings.TrimPrefix(address, best.Prefix)
}
