// Package lock is the lock file: what every input of one version of an application was, by its digest. A build that is held to it takes these inputs
// and no others, and asks nobody what there is.
package lock

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format is the version of the file's form.
const Format = 1

// maxSize bounds a lock file, in bytes.
const maxSize = 8 << 20

// Lock is what the inputs of a version are.
type Lock struct {
	// Format is [Format].
	Format  int    `yaml:"format" json:"format"`
	Name    string `yaml:"name" json:"name"`
	Version string `yaml:"version" json:"version"`
	// Platforms are those that it was made for, written as linux/arm64.
	Platforms []string `yaml:"platforms" json:"platforms"`
	// Resolved are the releases that the recipe asks for by name, each as it is tagged.
	Resolved map[string]string `yaml:"resolved,omitempty" json:"resolved,omitempty"`
	Inputs   []Input           `yaml:"inputs,omitempty" json:"inputs,omitempty"`
	// Values is the SHA-256 of the generated files of each platform, among them the values that charts are rendered with. Contexts is that of all files.
	Values   map[string]string `yaml:"values,omitempty" json:"values,omitempty"`
	Contexts map[string]string `yaml:"contexts" json:"contexts"`
	Images   []Image           `yaml:"images,omitempty" json:"images,omitempty"`
	// Absent are images that may be needed and did not exist.
	Absent []string `yaml:"absent,omitempty" json:"absent,omitempty"`
}

// Input is one download of a platform, or of all when Platform is empty.
type Input struct {
	// Source is what the recipe asks for, in its own words; with the platform it names the input.
	Source   string `yaml:"source" json:"source"`
	Platform string `yaml:"platform,omitempty" json:"platform,omitempty"`
	// URL is where it was; of a chart in a registry its oci:// address.
	URL string `yaml:"url,omitempty" json:"url,omitempty"`
	// Version and AppVersion are a chart's.
	Version    string `yaml:"version,omitempty" json:"version,omitempty"`
	AppVersion string `yaml:"app-version,omitempty" json:"app_version,omitempty"`
	// Commit is that of a git repository, SHA256 and Size are those of a file.
	Commit string `yaml:"commit,omitempty" json:"commit,omitempty"`
	SHA256 string `yaml:"sha256,omitempty" json:"sha256,omitempty"`
	Size   int64  `yaml:"size,omitempty" json:"size,omitempty"`
}

// Image is a container image that the application needs.
type Image struct {
	// Ref is what asks for it; From is where the recipe sends it when that is another place.
	Ref  string `yaml:"ref" json:"ref"`
	From string `yaml:"from,omitempty" json:"from,omitempty"`
	// Digest is what the reference named: an index, or the manifest of the only platform.
	Digest string `yaml:"digest" json:"digest"`
	// Platforms have the manifest of each platform.
	Platforms map[string]Manifest `yaml:"platforms" json:"platforms"`
}

// IsFor says whether the image is there for one of the platforms.
func (i Image) IsFor(platforms []string) bool {
	return slices.ContainsFunc(platforms, func(p string) bool { _, ok := i.Platforms[p]; return ok })
}

// Manifest is the image of one platform. Size is that of its manifest, configuration and layers together, in bytes.
type Manifest struct {
	Digest string `yaml:"digest" json:"digest"`
	Size   int64  `yaml:"size" json:"size"`
}

// ErrInvalid means that a file is no lock.
var ErrInvalid = errors.New("no lock file")

// Decode reads a lock file strictly.
func Decode(b []byte) (Lock, error) {
	if len(b) > maxSize {
		return Lock{}, fmt.Errorf("%w: it has more than %d bytes", ErrInvalid, maxSize)
	}
	var l Lock
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&l); err != nil && !errors.Is(err, io.EOF) {
		return Lock{}, fmt.Errorf("%w: %s", ErrInvalid, said(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Lock{}, fmt.Errorf("%w: it has more than one document", ErrInvalid)
	}
	if err := l.check(); err != nil {
		return Lock{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return l, nil
}

var unknownKey = regexp.MustCompile(`field (\S+) not found in type lock\.\w+`)

// said is what the decoder says, in one line and without the names of Go types.
func said(err error) string {
	words := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:")
	return unknownKey.ReplaceAllString(strings.Join(strings.Fields(words), " "), "there is no key $1")
}

const header = "# The inputs of %s %s by their digests. Made by: cluster-image lock %[1]s %[2]s\n"

// Encode writes the lock. The same lock gives the same bytes.
func (l Lock) Encode() ([]byte, error) {
	l.sort()
	var out bytes.Buffer
	fmt.Fprintf(&out, header, l.Name, l.Version)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(l); err != nil {
		return nil, fmt.Errorf("write lock: %w", err)
	}
	return out.Bytes(), nil
}

func (l *Lock) sort() {
	l.Format = Format
	l.Inputs, l.Images = slices.Clone(l.Inputs), slices.Clone(l.Images)
	l.Platforms, l.Absent = slices.Sorted(slices.Values(l.Platforms)), slices.Sorted(slices.Values(l.Absent))
	slices.SortStableFunc(l.Images, func(a, b Image) int { return cmp.Compare(a.Ref, b.Ref) })
}

// Input gives what the recipe's words named for a platform.
func (l *Lock) Input(source, platform string) (Input, bool) {
	for _, i := range l.Inputs {
		if i.Source == source && (i.Platform == "" || i.Platform == platform) {
			return i, true
		}
	}
	return Input{}, false
}

// Image gives what a reference named.
func (l *Lock) Image(ref string) (Image, bool) {
	for _, i := range l.Images {
		if i.Ref == ref {
			return i, true
		}
	}
	return Image{}, false
}

// IsAbsent says whether an image that may be needed did not exist.
func (l *Lock) IsAbsent(ref string) bool { return slices.Contains(l.Absent, ref) }

// Drift is a difference between a build and the lock that it is held to.
type Drift struct{ Differences []string }

func (d *Drift) Error() string {
	const shown = 20
	lines := d.Differences[:min(len(d.Differences), shown)]
	s := "the build is not what its lock says:\n    " + strings.Join(lines, "\n    ")
	if more := len(d.Differences) - len(lines); more > 0 {
		s += fmt.Sprintf("\n    and %d more", more)
	}
	return s
}
