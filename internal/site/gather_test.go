package site_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/history"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/site"
)

const finished = `[
  {"name": "web", "version": "1.10.0", "time": "2026-02-01T00:00:00Z", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "url": "https://example.com/2"},
  {"name": "web", "version": "1.10.0", "time": "2026-01-01T00:00:00Z"},
  {"name": "web", "version": "1.9.0", "time": "2025-01-01T00:00:00Z"},
  {"name": "other", "version": "2.0.0", "time": "2026-02-01T00:00:00Z"}
]`

const locked = `format: 1
name: web
version: 1.9.0
platforms: [linux/amd64, linux/arm64]
contexts: {}
images:
  - {ref: "docker.io/x/b:1", digest: "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", platforms: {linux/amd64: {digest: "sha256:b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1", size: 100}}}
  - {ref: "docker.io/x/a:1", digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", platforms: {linux/amd64: {digest: "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", size: 11}, linux/arm64: {digest: "sha256:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2", size: 10}}}
`

func TestGather(t *testing.T) {
	t.Parallel()
	app := func(head string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("description: A server\nhome: https://example.com\ncategories: [web]\n" + head +
			"sources: [{chart: web, repo: https://charts.example.com, app-version: '{version}'}]\nstart: [{helm: web, namespace: web}]\n")}
	}
	c := catalog.Open(fstest.MapFS{
		"web/latest/app.yaml":         app("version: {v: never, example: 1.9.0}\n"),
		"web/1.2.0/app.yaml":          app("version: {v: never, only: [1.2.0], example: 1.2.0}\nplatforms: {only: [amd64], reason: old}\n"),
		"web/latest/locks/1.9.0.yaml": {Data: []byte(locked)},
		"classic/latest/init.sh":      {},
		"begun/README.md":             {Data: []byte("# begun\n\nThere is no recipe yet.\n")},
		"classic/README.md":           {Data: []byte("# classic\n\nMade by\nhand.\n")},
	}, recipe.Application, "the test's catalogue")
	builds, err := history.Read(strings.NewReader(finished), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	locks := func(r recipe.Recipe) ([]lock.Lock, error) { return lock.All(r.FS, "locks") }
	apps, err := site.Gather(c, builds, locks)
	if err != nil || len(apps) != 2 {
		t.Fatalf("%d applications, %v", len(apps), err)
	}
	if a := apps[0]; a.Name != "classic" || a.Description != "Made by hand." || len(a.Platforms) != 2 || len(a.Versions) != 0 {
		t.Errorf("of scripts: %+v", a)
	}
	web := apps[1]
	var versions []string
	for _, v := range web.Versions {
		versions = append(versions, v.Name)
	}
	if got := strings.Join(versions, " "); got != "1.10.0 1.9.0 1.2.0" {
		t.Errorf("versions %s", got)
	}
	if b := web.Versions[0].Build; b == nil || !b.Time.Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) || b.URL != "https://example.com/2" {
		t.Errorf("build %+v", b)
	}
	if v := web.Versions[1]; !v.Locked || len(v.Images) != 2 || v.Images[0].Ref != "docker.io/x/a:1" || v.Sizes["amd64"] != 111 || v.Sizes["arm64"] != 10 || v.Build == nil {
		t.Errorf("locked %+v", v)
	}
	if len(web.Others) != 1 || web.Others[0].Serves != "1.2.0" || web.Dir != "latest" || len(web.Variables) != 4 || !web.Uninstalls {
		t.Errorf("profile %+v, others %+v", web.Profile, web.Others)
	}
	files(t, site.Catalogue{Registry: "docker.io/labring", Apps: apps})
}

// BenchmarkCatalogue reads the catalogue of this repository and writes its site.
func BenchmarkCatalogue(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "site")
	for b.Loop() {
		c, err := catalog.OpenDir("../../applications", recipe.Application)
		if err != nil {
			b.Fatal(err)
		}
		apps, err := site.Gather(c, nil, func(r recipe.Recipe) ([]lock.Lock, error) { return lock.All(r.FS, "locks") })
		if err != nil {
			b.Fatal(err)
		}
		if _, err := site.Write(site.Options{Catalogue: site.Catalogue{Apps: apps, Registry: "docker.io/labring"}, Output: dir}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(apps)), "applications")
	}
}
