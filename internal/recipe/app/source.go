package app

import "strings"

// Source is something to download. Exactly one of Chart, Manifest, Archive, Git, Binary, File and Images is set.
type Source struct {
	At       Lines     `yaml:"-"`
	Chart    string    `yaml:"chart" doc:"A Helm chart: its name in the index of repo, oci://REGISTRY/NAME, or the https URL of its archive."`
	Manifest string    `yaml:"manifest" doc:"The URL of a manifest."`
	Archive  string    `yaml:"archive" doc:"The URL of a tar or zip archive, packed or not, of which pick takes parts."`
	Git      string    `yaml:"git" doc:"The https URL of a git repository of which pick takes parts."`
	Binary   string    `yaml:"binary" doc:"The URL of a program, or of an archive that has it."`
	File     string    `yaml:"file" doc:"The URL of a file."`
	Images   ImageList `yaml:"images" doc:"Images that are needed and cannot be found: a list, the URL of a list, or a place in a file."`

	Repo       string      `yaml:"repo" doc:"The chart's repository, an https URL without index.yaml."`
	Version    string      `yaml:"version" doc:"The chart's version; a semver range takes the newest in it."`
	AppVersion string      `yaml:"app-version" doc:"The application's version: the newest chart that installs this very one."`
	Ref        string      `yaml:"ref" doc:"The git tag, branch or commit."`
	Strip      int         `yaml:"strip" doc:"How many leading directories of the archive's paths are dropped."`
	Pick       Map[string] `yaml:"pick" doc:"Path inside: path in the context. A file, a directory, or a pattern whose matches go below."`
	Extract    Extract     `yaml:"extract" doc:"The program's path in the archive, or several, each with its path in the context."`
	Arch       Map[string] `yaml:"arch" doc:"What {arch} is for each platform, where it is not amd64 and arm64."`
	Mode       string      `yaml:"mode" doc:"The file's mode; a program has 0755."`
	About      string      `yaml:"about" doc:"Why images are listed."`

	To        string   `yaml:"to" doc:"The path in the context; one that ends with a slash is the directory."`
	Name      string   `yaml:"name" doc:"What placeholders call this source."`
	When      string   `yaml:"when" doc:"The versions for which it is used, as a semver range."`
	SHA256    Checksum `yaml:"sha256" doc:"The checksum of what the URL gives, or one for each platform."`
	SHA256URL string   `yaml:"sha256-url" doc:"Where the project publishes it, alone or in a list."`
}

// Kind is what kind of source it is.
type Kind string

// The kinds of sources.
const (
	KindChart    Kind = "chart"
	KindManifest Kind = "manifest"
	KindArchive  Kind = "archive"
	KindGit      Kind = "git"
	KindBinary   Kind = "binary"
	KindFile     Kind = "file"
	KindImages   Kind = "images"
)

// kinds are those of a source that are set.
func (s *Source) kinds() []Kind {
	var out []Kind
	for _, k := range []struct {
		kind Kind
		set  bool
	}{
		{KindChart, s.Chart != ""}, {KindManifest, s.Manifest != ""}, {KindArchive, s.Archive != ""}, {KindGit, s.Git != ""},
		{KindBinary, s.Binary != ""}, {KindFile, s.File != ""}, {KindImages, s.Images.set()},
	} {
		if k.set {
			out = append(out, k.kind)
		}
	}
	return out
}

// Kind is the kind of a valid source.
func (s *Source) Kind() Kind {
	if k := s.kinds(); len(k) > 0 {
		return k[0]
	}
	return ""
}

// FollowsVersion says whether the chart's version is the application's, so that it is no range.
func (s *Source) FollowsVersion() bool {
	return contains([]string{"{version}", "{version-bare}", "{version-v}"}, s.Version)
}

// IsOCI says whether it is a chart of a registry.
func (s *Source) IsOCI() bool { return strings.HasPrefix(s.Chart, "oci://") }

// IsIndexed says whether it is a chart of a repository with an index.
func (s *Source) IsIndexed() bool { return s.Chart != "" && !strings.Contains(s.Chart, "://") }

// URL is the address that is downloaded, with its placeholders; empty for what is not one download.
func (s *Source) URL() string {
	switch s.Kind() {
	case KindChart:
		if s.IsIndexed() || s.IsOCI() {
			return ""
		}
		return s.Chart
	case KindManifest:
		return s.Manifest
	case KindArchive:
		return s.Archive
	case KindBinary:
		return s.Binary
	case KindFile:
		return s.File
	case KindImages:
		return s.Images.URL
	}
	return ""
}

// HasChecksum says whether the recipe itself says what the download must be.
func (s *Source) HasChecksum() bool { return len(s.SHA256.Of) > 0 || s.SHA256URL != "" }
