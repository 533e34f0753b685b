// Package draft writes the first app.yaml of an application from what is known of its source: an index and its chart, a manifest, or a program.
package draft

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Draft is what is known. Exactly one of Chart, Manifest and Binary is set.
type Draft struct {
	Name string
	// Version is one that exists, as the project writes it.
	Version string
	// Description is one line, Home an https URL, License an SPDX expression.
	Description, Home, License string
	Categories                 []string
	// Kubernetes is the range of versions that it needs; StorageClass says that it keeps data.
	Kubernetes   string
	StorageClass bool
	// KubeVersion is what the chart says of Kubernetes where a recipe has no words for it.
	KubeVersion string
	Namespace   string

	// Chart is a chart's name in the index at Repo, an oci:// address, or the https URL of its archive. ByAppVersion says that Version is the
	// application's and not the chart's.
	Chart, Repo  string
	ByAppVersion bool
	// chartVersion is what Version has to become for a chart in a registry: a placeholder.
	chartVersion string
	// Manifest and Binary are URLs of the very version, the latter for amd64; Extract is the program's path in the archive.
	Manifest, Binary, Extract string
	// SHA256URL is where the checksum of Binary is published.
	SHA256URL string
}

// field is a key of the file and its value, which is written as YAML writes it.
type field struct {
	key   string
	value any
}

// mapping keeps its keys in the order that a reader expects.
type mapping []field

// MarshalYAML writes the keys in their order, and lists of words in one line.
func (m mapping) MarshalYAML() (any, error) {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range m {
		value := new(yaml.Node)
		if err := value.Encode(f.value); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.key, err)
		}
		if _, words := f.value.([]string); words {
			value.Style = yaml.FlowStyle
		}
		out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: f.key}, value)
	}
	return out, nil
}

// Text is the app.yaml. It decodes, or there is an error that says what is missing.
func (d Draft) Text() ([]byte, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "# yaml-language-server: $schema=%s\n", app.SchemaURL)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(d.whole()); err != nil {
		return nil, fmt.Errorf("write recipe: %w", err)
	}
	if _, err := app.Decode([]byte(out.String())); err != nil {
		return nil, fmt.Errorf("the recipe would not be valid: %w", err)
	}
	return []byte(out.String()), nil
}

// whole are the keys of the file; those that say nothing are left out.
func (d Draft) whole() mapping {
	out := mapping{{"description", d.Description}, {"home", d.Home}}
	if d.License != "" {
		out = append(out, field{"licenses", d.License})
	}
	out = append(out, field{"categories", d.Categories})
	if r := d.requires(); len(r) > 0 {
		out = append(out, field{"requires", r})
	}
	return append(out, field{"version", d.version()}, field{"sources", []mapping{d.source()}}, field{"start", []mapping{d.start()}})
}

func (d Draft) requires() mapping {
	var out mapping
	if d.Kubernetes != "" {
		out = append(out, field{"kubernetes", d.Kubernetes})
	}
	if d.StorageClass {
		out = append(out, field{"storage-class", true})
	}
	return out
}

// spelling says what a version looks like: with a v, without, or like no other.
func (d Draft) spelling() string {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(d.Version, "v"))
	switch {
	case err != nil:
		return app.VAsIs
	case strings.HasPrefix(d.Version, "v"):
		return app.VAlways
	}
	return app.VNever
}

func (d Draft) version() mapping {
	out := mapping{{"v", d.spelling()}, {"example", d.Version}}
	if d.Chart != "" && !d.isArchive() {
		return out
	}
	if project := githubProject(d.Chart + d.Manifest + d.Binary); project != "" {
		return append(out, field{"releases", "github:" + project})
	}
	return append(out, field{"releases", "none"})
}

// githubProject is OWNER/NAME of an address on GitHub; empty of any other.
func githubProject(address string) string {
	u, err := url.Parse(address)
	if err != nil || !slices.Contains([]string{"github.com", "raw.githubusercontent.com"}, u.Host) {
		return ""
	}
	if parts := strings.Split(strings.Trim(u.Path, "/"), "/"); len(parts) > 2 {
		return parts[0] + "/" + parts[1]
	}
	return ""
}

func (d Draft) source() mapping {
	switch {
	case d.isPacked():
		return mapping{{"chart", d.Chart}, {"version", d.chartVersion}}
	case d.isArchive():
		return mapping{{"chart", d.anyVersion(d.Chart)}, {"to", "charts/" + d.Name}}
	case d.Chart != "" && d.ByAppVersion:
		return mapping{{"chart", d.Chart}, {"repo", d.Repo}, {"app-version", "{version}"}}
	case d.Chart != "":
		return mapping{{"chart", d.Chart}, {"repo", d.Repo}, {"version", "{version}"}}
	case d.Manifest != "":
		return mapping{{"manifest", d.anyVersion(d.Manifest)}, {"to", d.manifestPath()}}
	}
	out := mapping{{"binary", d.anyPlatform(d.Binary)}}
	if d.Extract != "" {
		out = append(out, field{"extract", d.anyPlatform(d.Extract)})
	}
	out = append(out, field{"to", d.programPath()})
	if words := archWords(d.Binary); words != nil {
		out = append(out, field{"arch", words})
	}
	if d.SHA256URL != "" {
		out = append(out, field{"sha256-url", d.anyPlatform(d.SHA256URL)})
	}
	return out
}

func (d Draft) start() mapping {
	switch {
	case d.Chart != "":
		return mapping{{"helm", d.Name}, {"namespace", d.Namespace}}
	case d.Manifest != "":
		return mapping{{"apply", d.manifestPath()}}
	}
	return mapping{{"install", d.programPath()}}
}

func (d Draft) manifestPath() string {
	base := path.Base(d.Manifest)
	if ext := path.Ext(base); ext != ".yaml" && ext != ".yml" && ext != ".json" {
		base = d.Name + ".yaml"
	}
	return "manifests/" + base
}

func (d Draft) programPath() string { return "opt/" + d.Name }

// anyVersion puts placeholders where a text has the version.
func (d Draft) anyVersion(text string) string {
	bare := strings.TrimPrefix(d.Version, "v")
	text = strings.ReplaceAll(text, "v"+bare, "\x00")
	text = strings.ReplaceAll(text, bare, "{version-bare}")
	with := "{version}"
	if d.spelling() == app.VNever {
		with = "v{version}"
	}
	return strings.ReplaceAll(text, "\x00", with)
}

// wordOfAMD64 is what projects call amd64. The end of linux64 is none.
var wordOfAMD64 = regexp.MustCompile(`(?i)x86_64|amd64|\bx64|_x64|64bit`)

// word is the word for amd64 in an address; empty when it has none.
func word(address string) string { return strings.TrimPrefix(wordOfAMD64.FindString(address), "_") }

// anyPlatform puts placeholders where a text has the version or the word for amd64.
func (d Draft) anyPlatform(text string) string {
	w := word(d.Binary)
	return wordOfAMD64.ReplaceAllStringFunc(d.anyVersion(text), func(found string) string {
		if rest, ok := strings.CutSuffix(found, w); ok && w != "" {
			return rest + "{arch}"
		}
		return found
	})
}

// archWords are what a project calls the platforms, where these are not Go's words.
func archWords(address string) map[string]string {
	w := word(address)
	switch w {
	case "", "amd64":
		return nil
	case "x86_64":
		return map[string]string{"amd64": w, "arm64": "aarch64"}
	}
	return map[string]string{"amd64": w, "arm64": "arm64"}
}
