package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Try is one place that was asked for an image, and what came of it.
type Try struct {
	Source reference.Reference
	Err    error
}

// UnresolvedImage is an image that no place has.
type UnresolvedImage struct {
	Ref   reference.Reference
	Tries []Try
}

// Unresolved names every image that could not be resolved.
type Unresolved struct{ Images []UnresolvedImage }

// Error has one line for each place that was tried.
func (u *Unresolved) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "resolve images: %s not resolve:", count(len(u.Images), "image does", "images do"))
	for _, i := range u.Images {
		for _, t := range i.Tries {
			fmt.Fprintf(&b, "\n  %s: %s", i.Ref, t.Err)
		}
	}
	return b.String()
}

// Unwrap gives the errors of all tries.
func (u *Unresolved) Unwrap() []error {
	var errs []error
	for _, i := range u.Images {
		for _, t := range i.Tries {
			errs = append(errs, t.Err)
		}
	}
	return errs
}

// MissingPlatform is an image that there is, but not for the platform.
type MissingPlatform struct {
	Ref      reference.Reference
	Platform string
	// Has are the platforms there are.
	Has []string
	// Config is the platform that the config names, when the index claimed another.
	Config string
}

// MissingPlatforms names every image that lacks a wanted platform.
type MissingPlatforms struct{ Images []MissingPlatform }

// Error has one line for each image and platform, and says what can be done.
func (m *MissingPlatforms) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "resolve images: %s missing:", count(len(m.Images), "platform is", "platforms are"))
	for _, i := range m.Images {
		fmt.Fprintf(&b, "\n  %s: no %s, ", i.Ref, i.Platform)
		if i.Config != "" {
			fmt.Fprintf(&b, "what is listed as such has a config for %s", i.Config)
			continue
		}
		fmt.Fprintf(&b, "there is %s", strings.Join(i.Has, ", "))
	}
	b.WriteString("\nbuild without them with --platform, or choose versions of these images that have them")
	return b.String()
}

// FailedBlob is a blob that could not be fetched.
type FailedBlob struct {
	Blob v1.Descriptor
	// Images are those that need it.
	Images []string
	Err    error
}

// FetchError names every image that is not complete.
type FetchError struct{ Failed []FailedBlob }

// Error has a line for each image, with the first blob that is missing, and for each way in which it could not be had.
func (f *FetchError) Error() string {
	var lines []string
	seen := map[string]bool{}
	for _, b := range f.Failed {
		for _, i := range b.Images {
			if !seen[i] {
				seen[i] = true
				for _, reason := range reasons(b.Err) {
					lines = append(lines, fmt.Sprintf("\n  %s: %s", i, reason))
				}
			}
		}
	}
	return fmt.Sprintf("fetch images: %s not complete:%s", count(len(seen), "image is", "images are"), strings.Join(lines, ""))
}

// reasons are the lines of an error, each once: several tries at one place fail alike.
func reasons(err error) []string {
	var out []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// Unwrap gives the errors of all blobs.
func (f *FetchError) Unwrap() []error {
	var errs []error
	for _, b := range f.Failed {
		errs = append(errs, b.Err)
	}
	return errs
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

var (
	// ErrNotImage means that a reference leads to something that is not a container image.
	ErrNotImage = errors.New("not a container image")
	// ErrSchema1 means that an image exists only in the format that was given up in 2019.
	ErrSchema1 = errors.New("image manifest schema 1 is not supported: ask its publisher for a newer image, or copy it with a tool that converts it")
	// ErrTooDeep means that indexes are nested deeper, or list more, than anything legitimate.
	ErrTooDeep = errors.New("index over the limit")
)
