package draft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/source"
)

// maxChartFile bounds what is read of Chart.yaml and values.yaml, in bytes.
const maxChartFile = 2 << 20

// isPacked says that the chart lies in a registry, isArchive that it is one file at a URL.
func (d *Draft) isPacked() bool { return strings.HasPrefix(d.Chart, "oci://") }
func (d *Draft) isArchive() bool {
	return strings.HasPrefix(d.Chart, "https://") || strings.HasPrefix(d.Chart, "http://")
}

// IsWhole says that the chart says by itself where it is, without the index of a repository.
func (d *Draft) IsWhole() bool { return d.isPacked() || d.isArchive() }

// Look fills in what a chart's index or registry, its Chart.yaml and its values say, where the draft does not say it yet.
func (d *Draft) Look(ctx context.Context, c *source.Client) error {
	switch {
	case d.isPacked():
		return d.lookIntoRegistry(ctx, c)
	case d.isArchive():
		about, err := d.open(ctx, c, source.Entry{URLs: []string{d.Chart}})
		if err == nil && d.Version == "" {
			d.Version = about.versionIn(d.Chart)
		}
		return err
	}
	entries, err := c.Index(ctx, d.Repo, d.Chart)
	if err != nil {
		return err
	}
	e, err := choose(entries, d.Version)
	if err != nil {
		return fmt.Errorf("chart %s in %s: %w", d.Chart, d.Repo, err)
	}
	d.ByAppVersion = isVersion(e.AppVersion) && d.Version != e.Version
	if d.Version = e.Version; d.ByAppVersion {
		d.Version = e.AppVersion
	}
	if len(e.URLs) == 0 {
		return nil
	}
	_, err = d.open(ctx, c, e)
	return err
}

// lookIntoRegistry takes the newest of a chart's tags, or that of the version asked for. Its tags say nothing of the application's version: where that is
// the chart's own but for a v, it is written as the application writes it.
func (d *Draft) lookIntoRegistry(ctx context.Context, c *source.Client) error {
	versions, err := c.ChartVersions(ctx, d.Chart)
	if err != nil {
		return err
	}
	var entries []source.Entry
	for _, v := range versions {
		entries = append(entries, source.Entry{Version: v, URLs: []string{d.Chart}})
	}
	e, err := source.ChooseVersion(entries, cmp.Or(d.Version, "*"))
	if err != nil {
		return fmt.Errorf("chart %s: %w", d.Chart, err)
	}
	about, err := d.open(ctx, c, e)
	if err != nil {
		return err
	}
	if bare := strings.TrimPrefix(e.Version, "v"); d.Version == "" && strings.TrimPrefix(about.AppVersion, "v") == bare {
		d.Version = about.AppVersion
	}
	d.Version = cmp.Or(d.Version, e.Version)
	switch {
	case d.Version == e.Version:
		d.chartVersion = "{version}"
	case strings.HasPrefix(e.Version, "v"):
		d.chartVersion = "{version-v}"
	default:
		d.chartVersion = "{version-bare}"
	}
	return nil
}

// open looks into a chart, and takes from it what the draft does not say.
func (d *Draft) open(ctx context.Context, c *source.Client, e source.Entry) (chartFile, error) {
	about, values, err := open(ctx, c, e, source.Resolve(d.Repo, e.URLs[0]))
	if err != nil {
		return about, err
	}
	d.adopt(about)
	d.StorageClass = d.StorageClass || keepsData(values)
	return about, nil
}

func isVersion(s string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(s, "v"))
	return err == nil
}

// choose takes the chart of a version, the application's or the chart's own; without one the newest that is stable.
func choose(entries []source.Entry, version string) (source.Entry, error) {
	if version == "" {
		return source.ChooseVersion(entries, "*")
	}
	if e, err := source.Choose(entries, version); err == nil {
		return e, nil
	}
	return source.ChooseVersion(entries, version)
}

// chartFile is what matters of Chart.yaml.
type chartFile struct {
	Version     string            `yaml:"version"`
	AppVersion  string            `yaml:"appVersion"`
	Description string            `yaml:"description"`
	Home        string            `yaml:"home"`
	Sources     []string          `yaml:"sources"`
	KubeVersion string            `yaml:"kubeVersion"`
	Keywords    []string          `yaml:"keywords"`
	Annotations map[string]string `yaml:"annotations"`
}

// versionIn is the version, the application's or the chart's own, that an address has in it; empty when it has neither.
func (c chartFile) versionIn(address string) string {
	for _, v := range []string{c.AppVersion, c.Version} {
		if v != "" && strings.Contains(address, v) {
			return v
		}
	}
	return ""
}

// fetch gets a chart's archive from a registry or a server.
func fetch(ctx context.Context, c *source.Client, e source.Entry, address, to string) error {
	if strings.HasPrefix(address, "oci://") {
		chart, version := source.PackedChart(address, e.Version)
		_, err := c.Pull(ctx, chart, version, to)
		return err
	}
	_, err := c.Download(ctx, source.File{URL: address, SHA256: strings.TrimPrefix(e.Digest, "sha256:"), Max: 256 << 20}, to)
	return err
}

// open fetches a chart and reads its two files.
func open(ctx context.Context, c *source.Client, e source.Entry, address string) (chartFile, *yaml.Node, error) {
	dir, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return chartFile{}, nil, fmt.Errorf("look into chart: %w", err)
	}
	defer os.RemoveAll(dir)
	archive := filepath.Join(dir, "chart")
	if err := fetch(ctx, c, e, address, archive); err != nil {
		return chartFile{}, nil, err
	}
	f, err := os.Open(archive)
	if err != nil {
		return chartFile{}, nil, fmt.Errorf("look into chart: %w", err)
	}
	defer f.Close()
	var about chartFile
	var values yaml.Node
	err = source.Walk(ctx, f, func(i source.Item) error {
		if i.Content == nil || strings.Count(i.Path, "/") != 1 {
			return nil
		}
		switch path.Base(i.Path) {
		case "Chart.yaml":
			return decode(i.Content, &about)
		case "values.yaml":
			return decode(i.Content, &values)
		}
		return nil
	})
	if err != nil {
		return chartFile{}, nil, fmt.Errorf("look into chart %s: %w", address, err)
	}
	return about, &values, nil
}

func decode(r io.Reader, to any) error {
	err := yaml.NewDecoder(io.LimitReader(r, maxChartFile)).Decode(to)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// adopt takes what the draft does not say.
func (d *Draft) adopt(c chartFile) {
	if d.Description == "" {
		d.Description = strings.TrimSuffix(strings.Join(strings.Fields(c.Description), " "), ".")
	}
	for _, address := range append([]string{c.Home}, c.Sources...) {
		if d.Home == "" && strings.HasPrefix(address, "https://") {
			d.Home = address
		}
	}
	if d.License == "" {
		d.License = strings.ReplaceAll(c.Annotations["artifacthub.io/license"]+c.Annotations["licenses"], " ", "")
	}
	if d.Kubernetes == "" && strings.Trim(c.KubeVersion, " *") != "" {
		var ok bool
		if d.Kubernetes, ok = kubernetes(c.KubeVersion); !ok {
			d.KubeVersion = c.KubeVersion
		}
	}
	if len(d.Categories) == 0 {
		d.Categories = guess(append(c.Keywords, strings.Fields(strings.ToLower(c.Description))...))
	}
}

// anyPatch is what charts write behind a version so that pre-releases count, and in place of a patch that does not matter.
var anyPatch = regexp.MustCompile(`(\d)(?:\.[xX*])*(?:-0)?(?:[\s,|]|$)`)

// kubernetes is the kubeVersion of a chart as a recipe says it. There is one major version, so that a caret leaves the end open.
func kubernetes(kubeVersion string) (string, bool) {
	return app.Bounds(strings.ReplaceAll(anyPatch.ReplaceAllString(kubeVersion, "$1 "), "^", ">="))
}

// guess finds the category of an application in what its chart says of it: the word itself, or one that goes with it.
func guess(words []string) []string {
	for _, w := range words {
		w = strings.Trim(strings.ToLower(w), ".,;:()")
		if i := slices.IndexFunc(kin(), func(k [2]string) bool { return k[0] == w }); i >= 0 {
			return []string{kin()[i][1]}
		}
	}
	return nil
}

// kin are words and the categories that they speak for.
func kin() [][2]string {
	return [][2]string{
		{"database", "database"}, {"sql", "database"}, {"nosql", "database"}, {"mysql", "database"}, {"postgresql", "database"}, {"cache", "database"},
		{"monitoring", "monitoring"}, {"metrics", "monitoring"}, {"alerting", "monitoring"}, {"dashboard", "monitoring"}, {"logging", "logging"}, {"logs", "logging"},
		{"tracing", "tracing"}, {"ingress", "gateway"}, {"gateway", "gateway"}, {"proxy", "gateway"}, {"http", "web"}, {"www", "web"}, {"web", "web"},
		{"storage", "storage"}, {"backup", "backup"}, {"dns", "dns"}, {"network", "networking"}, {"networking", "networking"}, {"cni", "networking"},
		{"kafka", "messaging"}, {"messaging", "messaging"}, {"queue", "messaging"}, {"gitops", "gitops"}, {"ci", "cicd"}, {"pipeline", "cicd"},
		{"security", "security"}, {"certificates", "security"}, {"secrets", "security"}, {"registry", "registry"}, {"serverless", "serverless"}, {"mesh", "service-mesh"},
		{"ai", "ai"}, {"gpu", "ai"}, {"git", "developer-tools"},
	}
}

// keepsData says whether a chart asks for a volume by default: persistence that is on, at any depth.
func keepsData(n *yaml.Node) bool {
	if n == nil {
		return false
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "persistence" && isOn(c) {
			return true
		}
		if keepsData(c) {
			return true
		}
	}
	return false
}

func isOn(n *yaml.Node) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "enabled" {
			return n.Content[i+1].Value == "true"
		}
	}
	return false
}
