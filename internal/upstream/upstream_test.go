package upstream_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
	images "github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/source"
	"github.com/labring-actions/cluster-image/internal/upstream"
)

const index = `apiVersion: v1
entries:
  web:
    - {version: 19.0.0, appVersion: 1.30.0-rc.1, urls: [a.tgz]}
    - {version: 18.0.0, appVersion: v1.29.1, urls: [a.tgz]}
    - {version: 17.0.1, appVersion: 1.28.0, urls: [a.tgz]}
    - {version: 17.0.0, appVersion: 1.28.0, urls: [a.tgz]}
    - {version: 9.0.0, appVersion: 1.9.0, urls: [a.tgz]}
    - {version: 8.0.0, appVersion: none, urls: [a.tgz]}
  chartly:
    - {version: 4.10.1, appVersion: 1.0.0, urls: [a.tgz]}
    - {version: 4.9.1, appVersion: 1.0.0, urls: [a.tgz]}
    - {version: 5.0.0, appVersion: 2.0.0, urls: [a.tgz]}
`

// server has an index, releases, a page of versions and a registry; it counts what it is asked.
func server(t *testing.T) (address string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	mux := http.NewServeMux()
	mux.Handle("/v2/", registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	mux.HandleFunc("/charts/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, index)
	})
	mux.HandleFunc("/repos/o/tool/releases", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"tag_name": "v2.0.0", "prerelease": true}, {"tag_name": "v1.5.0"}, {"tag_name": "v1.9.0", "draft": true}, {"tag_name": "helper/v9.0.0"}, {"tag_name": "v1.4.0"}]`)
	})
	mux.HandleFunc("/versions.txt", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "RELEASE.2023-01-01T00-00-00Z\nRELEASE.2024-10-01T00-00-00Z\nRELEASE.2024-02-01T00-00-00Z\n")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	for _, tag := range []string{"1.0.0", "1.2.0", "1.3.0-beta.1"} {
		ref, err := name.ParseReference(strings.TrimPrefix(s.URL, "http://") + "/charts/packed:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, empty.Image, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	return s.URL, asked
}

// client asks servers and registries.
func client(t *testing.T) *source.Client {
	t.Helper()
	r, err := images.New(images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &source.Client{Registry: r}
}

func recipeText(version, sources string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("description: x\nhome: https://example.com\ncategories: [web]\nversion: {" + version + "}\n" + sources)}
}

// recipes are a catalogue whose projects publish at the address.
func recipes(t *testing.T, address string) []recipe.Recipe {
	t.Helper()
	chart := func(name, version string) string {
		return fmt.Sprintf("sources: [{chart: %s, repo: %s/charts, %s}]\nstart: [{helm: x, namespace: x, chart: charts/%[1]s}]\n", name, address, version)
	}
	tool := "sources: [{binary: 'https://example.com/{version}/tool-{arch}', to: opt/tool}]\nstart: [{install: opt/tool}]\n"
	files := fstest.MapFS{
		"web/latest/app.yaml":     recipeText(`v: never, example: 1.23.1`, chart("web", "app-version: '{version}'")),
		"web-v/latest/app.yaml":   recipeText(`v: always, example: v1.28.0, range: ">=1.20.0"`, chart("web", "app-version: '{version}'")),
		"chartly/latest/app.yaml": recipeText(`v: always, example: v4.9.1, range: "<5.0.0"`, chart("chartly", "version: '{version-bare}'")),
		"fresh/latest/app.yaml":   recipeText(`v: never, example: 1.29.1`, chart("web", "app-version: '{version}'")),
		"fixed/latest/app.yaml":   recipeText(`v: never, example: 1.0.0, only: [1.0.0]`, chart("web", "app-version: '{version}'")),
		"moved/latest/app.yaml": recipeText(`v: never, example: 1.0.0`, fmt.Sprintf("sources:\n  - {chart: web, repo: https://old.example.com/charts, app-version: '{version}', when: '<1.0.0'}\n"+
			"  - {chart: chartly, repo: %s/charts, app-version: '{version}', when: '>=1.0.0'}\nstart: [{helm: x, namespace: x}]\n", address)),
		"tool/latest/app.yaml":   recipeText(`v: always, example: v1.4.0, releases: "github:o/tool"`, tool),
		"helper/latest/app.yaml": recipeText(`v: always, example: v8.0.0, releases: "github:o/tool", tag-prefix: helper/`, tool),
		"quiet/latest/app.yaml":  recipeText(`v: always, example: v1.4.0, releases: none`, tool),
		"store/latest/app.yaml":  recipeText(`v: as-is, example: RELEASE.2023-01-01T00-00-00Z, releases: "url:`+strings.Replace(address, "http", "https", 1)+`/versions.txt"`, tool),
		"classic/latest/init.sh": {},
	}
	all, err := catalog.Open(files, recipe.Application, "the test's catalogue").Recipes()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if all[i].Name == "store" { // app.yaml takes no plain http
			all[i].App.Version.Releases = "url:" + address + "/versions.txt"
		}
	}
	return append(all, packed(all[0], address))
}

// packed is a recipe whose chart lies in a registry.
func packed(like recipe.Recipe, address string) recipe.Recipe {
	r, a := like, *like.App
	r.Name = "packed"
	a.Version.V, a.Version.Example, a.Version.Range = "always", "v1.0.0", ""
	a.Sources = slices.Clone(a.Sources)
	a.Sources[0].Chart, a.Sources[0].Repo, a.Sources[0].AppVersion, a.Sources[0].Version = strings.Replace(address, "http", "oci", 1)+"/charts/packed", "", "", "{version-bare}"
	r.App = &a
	return r
}

func TestCompare(t *testing.T) {
	t.Parallel()
	address, asked := server(t)
	report, err := upstream.Compare(t.Context(), upstream.Options{Client: client(t), API: address, Recipes: recipes(t, address)})
	if err != nil {
		t.Fatal(err)
	}
	want := []upstream.Outdated{
		{"chartly", "latest", "v4.9.1", "v4.10.1", []string{"v4.10.1"}},
		{"helper", "latest", "v8.0.0", "v9.0.0", []string{"v9.0.0"}},
		{"moved", "latest", "1.0.0", "2.0.0", []string{"2.0.0"}},
		{"packed", "latest", "v1.0.0", "v1.2.0", []string{"v1.2.0"}},
		{"store", "latest", "RELEASE.2023-01-01T00-00-00Z", "RELEASE.2024-10-01T00-00-00Z", []string{"RELEASE.2024-10-01T00-00-00Z", "RELEASE.2024-02-01T00-00-00Z"}},
		{"tool", "latest", "v1.4.0", "v1.5.0", []string{"v1.5.0"}},
		{"web", "latest", "1.23.1", "1.29.1", []string{"1.29.1", "1.28.0"}},
		{"web-v", "latest", "v1.28.0", "v1.29.1", []string{"v1.29.1"}},
	}
	if !reflect.DeepEqual(report.Outdated, want) {
		t.Errorf("outdated\n%v, want\n%v", report.Outdated, want)
	}
	if report.Compared != 9 || !slices.Equal(report.Unwatched, []string{"classic/latest", "quiet/latest"}) || len(report.Failed) > 0 {
		t.Errorf("%d compared, unwatched %v, failed %v", report.Compared, report.Unwatched, report.Failed)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the index is asked for %d times", n)
	}
}

func TestComparePrereleasesAndKnown(t *testing.T) {
	t.Parallel()
	address, _ := server(t)
	known := func(r recipe.Recipe) ([]string, error) { return map[string][]string{"web": {"1.28.0"}}[r.Name], nil }
	report, err := upstream.Compare(t.Context(), upstream.Options{Client: client(t), API: address, Recipes: recipes(t, address), Prereleases: true, Known: known})
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string][]string{}
	for _, o := range report.Outdated {
		newest[o.Name] = o.Versions
	}
	for name, want := range map[string][]string{"web": {"1.30.0-rc.1", "1.29.1"}, "tool": {"v2.0.0", "v1.5.0"}, "packed": {"v1.3.0-beta.1", "v1.2.0"}} {
		if !slices.Equal(newest[name], want) {
			t.Errorf("%s: %v, want %v", name, newest[name], want)
		}
	}
}

func TestCompareWithoutAnswers(t *testing.T) {
	t.Parallel()
	address, _ := server(t)
	all := recipes(t, address)
	for i := range all {
		if all[i].Name == "tool" {
			all[i].App.Version.Releases = "github:o/gone"
		}
		if all[i].Name == "chartly" {
			all[i].App.Sources[0].Chart = "unheard-of"
		}
	}
	report, err := upstream.Compare(t.Context(), upstream.Options{Client: client(t), API: address, Recipes: all})
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range report.Failed {
		failed = append(failed, strings.Join(f.Recipes, " "))
	}
	if !slices.Equal(failed, []string{"chartly", "tool"}) || !strings.Contains(report.Failed[1].Err.Error(), "404") {
		t.Errorf("failed %v: %v", failed, report.Failed)
	}
	if len(report.Outdated) != 6 {
		t.Errorf("the others should be compared: %v", report.Outdated)
	}
}
