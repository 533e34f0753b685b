package draft_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/recipe/draft"
	images "github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/source"
)

const chartYAML = `name: web
description: A web  server.
home: http://plain.example.com
sources: ["https://github.com/o/web"]
kubeVersion: ">=1.23.0-0"
keywords: [fast, HTTP]
annotations: {licenses: Apache-2.0}
`

const index = `entries:
  web:
    - {version: 3.0.0-beta.1, appVersion: 2.0.0, urls: [web-3.0.0-beta.1.tgz]}
    - {version: 2.10.0, appVersion: 1.30.1, urls: [web-2.10.0.tgz]}
    - {version: 2.9.0, appVersion: 1.29.0, urls: [web-2.9.0.tgz]}
  same:
    - {version: v1.2.0, appVersion: v1.2.0, urls: [web-2.9.0.tgz]}
`

func chart(t *testing.T) []byte { return packed(t, chartYAML) }

// packed is a chart with this Chart.yaml.
func packed(t *testing.T, about string) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for name, text := range map[string]string{"web/Chart.yaml": about, "web/values.yaml": "a: {persistence: {enabled: true}}\n", "web/charts/x/Chart.yaml": "name: x\ndescription: wrong\n"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func server(t *testing.T) string {
	t.Helper()
	packed := chart(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/index.yaml") {
			_, _ = w.Write([]byte(index))
			return
		}
		_, _ = w.Write(packed)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestOfAChart(t *testing.T) {
	t.Parallel()
	address := server(t)
	for _, c := range []struct{ chart, version, want string }{
		{"web", "", "example: 1.30.1"}, {"web", "1.29.0", "example: 1.29.0"}, {"web", "2.9.0", "example: 2.9.0"}, {"same", "", "example: v1.2.0"},
	} {
		d := draft.Draft{Name: "web", Chart: c.chart, Repo: address, Version: c.version, Namespace: "web"}
		if err := d.Look(t.Context(), &source.Client{}); err != nil {
			t.Fatal(err)
		}
		d.Repo = "https://charts.example.com"
		text, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.want) || strings.Contains(string(text), "app-version") != (c.version != "2.9.0") {
			t.Errorf("%s %s:\n%s", c.chart, c.version, text)
		}
	}
}

// TestOfAChartInARegistry holds how the version is written where the chart's tag has no v and the application's version has, and where they differ.
func TestOfAChartInARegistry(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	for tag, appVersion := range map[string]string{"1.10.0": "v1.10.0", "1.9.0": "v1.9.0", "2.0.0-rc.1": "v2.0.0-rc.1"} {
		push(t, host+"/charts/web:"+tag, packed(t, chartYAML+"version: "+tag+"\nappVersion: "+appVersion+"\n"))
	}
	push(t, host+"/charts/other:v3.1.0", packed(t, chartYAML+"version: v3.1.0\nappVersion: 7.0.0\n"))
	r, err := images.New(images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ chart, version, example, its string }{
		{"web", "", "v1.10.0", "{version-bare}"}, {"web", "1.9.0", "1.9.0", "{version}"}, {"web", "v1.9.0", "v1.9.0", "{version-bare}"},
		{"other", "", "v3.1.0", "{version}"}, {"other", "3.1.0", "3.1.0", "{version-v}"},
	} {
		d := draft.Draft{Name: "web", Chart: "oci://" + host + "/charts/" + c.chart, Version: c.version, Namespace: "web"}
		if err := d.Look(t.Context(), &source.Client{Registry: r}); err != nil {
			t.Fatal(err)
		}
		text, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"example: " + c.example + "\n", "chart: oci://" + host + "/charts/" + c.chart + "\n    version: '" + c.its + "'\n", "storage-class: true"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s %s has no %q:\n%s", c.chart, c.version, want, text)
			}
		}
	}
	d := draft.Draft{Name: "web", Chart: "oci://" + host + "/charts/web", Version: "1.9.1"}
	if err := d.Look(t.Context(), &source.Client{Registry: r}); err == nil || !strings.Contains(err.Error(), "no chart version is 1.9.1; the nearest are 1.9.0, ") {
		t.Errorf("error %v", err)
	}
}

// push stores a chart in a registry, as helm does.
func push(t *testing.T, tag string, packed []byte) {
	t.Helper()
	ref, err := name.ParseReference(tag)
	if err != nil {
		t.Fatal(err)
	}
	layer := static.NewLayer(packed, "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func TestOfAChartAtAURL(t *testing.T) {
	t.Parallel()
	d := draft.Draft{Name: "web", Chart: server(t) + "/releases/v2.10.0/web-2.10.0.tgz", Version: "v2.10.0", Namespace: "web"}
	if err := d.Look(t.Context(), &source.Client{}); err != nil {
		t.Fatal(err)
	}
	text, err := d.Text()
	if err != nil || !strings.Contains(string(text), "/releases/{version}/web-{version-bare}.tgz\n    to: charts/web\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

const whole = `# yaml-language-server: $schema=%s
description: A web server
home: https://github.com/o/web
licenses: Apache-2.0
categories: [web]
requires:
  kubernetes: '>=1.23.0'
  storage-class: true
version:
  v: never
  example: 1.30.1
sources:
  - chart: web
    repo: https://charts.example.com
    app-version: '{version}'
start:
  - helm: web
    namespace: web
`

func TestText(t *testing.T) {
	t.Parallel()
	d := draft.Draft{Name: "web", Chart: "web", Repo: server(t), Namespace: "web"}
	if err := d.Look(t.Context(), &source.Client{}); err != nil {
		t.Fatal(err)
	}
	d.Repo = "https://charts.example.com"
	text, err := d.Text()
	if want := fmt.Sprintf(whole, app.SchemaURL); err != nil || string(text) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, text, want)
	}
	d.Categories = []string{"unheard-of"}
	if _, err := d.Text(); err == nil {
		t.Error("a recipe that is not valid is written")
	}
}

// TestKubernetesOfAChart holds what becomes of the many ways in which charts say which Kubernetes they want.
func TestKubernetesOfAChart(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		">=1.23.0-0": ">=1.23.0", ">= 1.21.0-0 < 1.30.0-0": ">=1.21.0 <1.30.0", "^1.19.0-0": ">=1.19.0", ">=1.21-0,<1.30": ">=1.21 <1.30", ">=v1.20": ">=1.20",
		">=1.20.x-0": ">=1.20", "*": "", "": "", ">1.20": "!", "~1.20.1": "!", "1.20 - 1.30": "!", ">=1.22.0-0 || >=2": "!", "nonsense": "!", ">=1.20.0-alpha": "!",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(packed(t, strings.Replace(chartYAML, ">=1.23.0-0", says, 1)))
		}))
		t.Cleanup(s.Close)
		d := draft.Draft{Name: "web", Chart: s.URL + "/web-1.2.3.tgz", Version: "1.2.3", Namespace: "web"}
		if err := d.Look(t.Context(), &source.Client{}); err != nil {
			t.Fatal(err)
		}
		text, err := d.Text()
		if err != nil {
			t.Errorf("%s: %v", says, err)
		}
		unsaid := ""
		if want == "!" {
			want, unsaid = "", says
		}
		if d.Kubernetes != want || d.KubeVersion != unsaid || strings.Contains(string(text), "kubernetes:") != (want != "") {
			t.Errorf("%s: %q, %q\n%s", says, d.Kubernetes, d.KubeVersion, text)
		}
	}
}

func TestOfADownload(t *testing.T) {
	t.Parallel()
	base := draft.Draft{Name: "tool", Description: "A tool", Home: "https://example.com", Categories: []string{"cli"}}
	for _, c := range []struct {
		name string
		set  func(*draft.Draft)
		want []string
	}{
		{"program", func(d *draft.Draft) {
			d.Version, d.Binary = "v1.2.3", "https://github.com/o/tool/releases/download/v1.2.3/tool-1.2.3-linux-x86_64.tar.gz"
			d.Extract, d.SHA256URL = "tool-1.2.3-linux-x86_64/tool", "https://github.com/o/tool/releases/download/v1.2.3/sums.txt"
		}, []string{
			"binary: https://github.com/o/tool/releases/download/{version}/tool-{version-bare}-linux-{arch}.tar.gz", "extract: tool-{version-bare}-linux-{arch}/tool",
			"amd64: x86_64", "arm64: aarch64", "v: always", "releases: github:o/tool", "sha256-url: https://github.com/o/tool/releases/download/{version}/sums.txt",
			"install: opt/tool",
		}},
		{"program with two words", func(d *draft.Draft) {
			d.Version, d.Binary = "1.2.3", "https://example.com/x86_64-tools/1.2.3/tool_linux_x64"
		}, []string{"amd64: x86_64", "binary: https://example.com/{arch}-tools/{version-bare}/tool_linux_x64"}},
		{"program that is for amd64 without a word", func(d *draft.Draft) {
			d.Version, d.Binary = "1.2.3", "https://example.com/1.2.3/tool-linux64"
		}, []string{"binary: https://example.com/{version-bare}/tool-linux64\n"}},
		{"program with x64", func(d *draft.Draft) {
			d.Version, d.Binary = "1.2.3", "https://example.com/1.2.3/tool-linux64_x64"
		}, []string{"binary: https://example.com/{version-bare}/tool-linux64_{arch}\n", "amd64: x64"}},
		{"manifest", func(d *draft.Draft) {
			d.Version, d.Manifest = "1.2.3", "https://example.com/v1.2.3/deploy"
		}, []string{"manifest: https://example.com/v{version}/deploy", "to: manifests/tool.yaml", "v: never", "releases: none", "apply: manifests/tool.yaml"}},
	} {
		d := base
		c.set(&d)
		text, err := d.Text()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, w := range c.want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s has no %q:\n%s", c.name, w, text)
			}
		}
	}
}
