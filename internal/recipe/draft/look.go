package draft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/source"
)

// maxChartFile bounds what is read of Chart.yaml and values.yaml, in bytes.
const maxChartFile = 2 << 20

// Look fills in what a chart's index, its Chart.yaml and its values say, where the draft does not say it yet.
func (d *Draft) Look(ctx context.Context, c *source.Client) error {
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
	about, values, err := open(ctx, c, absolute(d.Repo, e.URLs[0]), strings.TrimPrefix(e.Digest, "sha256:"))
	if err != nil {
		return err
	}
	d.adopt(about)
	d.StorageClass = d.StorageClass || keepsData(values)
	return nil
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

func absolute(repository, address string) string {
	base, err := url.Parse(strings.TrimSuffix(repository, "/") + "/")
	if err != nil {
		return address
	}
	u, err := base.Parse(address)
	if err != nil {
		return address
	}
	return u.String()
}

// chartFile is what matters of Chart.yaml.
type chartFile struct {
	Description string            `yaml:"description"`
	Home        string            `yaml:"home"`
	Sources     []string          `yaml:"sources"`
	KubeVersion string            `yaml:"kubeVersion"`
	Keywords    []string          `yaml:"keywords"`
	Annotations map[string]string `yaml:"annotations"`
}

// open fetches a chart and reads its two files.
func open(ctx context.Context, c *source.Client, address, sum string) (chartFile, *yaml.Node, error) {
	dir, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return chartFile{}, nil, fmt.Errorf("look into chart: %w", err)
	}
	defer os.RemoveAll(dir)
	archive := filepath.Join(dir, "chart")
	if _, err := c.Download(ctx, source.File{URL: address, SHA256: sum, Max: 256 << 20}, archive); err != nil {
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
	if _, err := semver.NewConstraint(c.KubeVersion); err == nil && d.Kubernetes == "" && c.KubeVersion != "" {
		d.Kubernetes = strings.TrimSuffix(c.KubeVersion, "-0")
	}
	if len(d.Categories) == 0 {
		d.Categories = guess(append(c.Keywords, strings.Fields(strings.ToLower(c.Description))...))
	}
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
