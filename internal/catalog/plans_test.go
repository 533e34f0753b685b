package catalog_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

var update = flag.Bool("update", false, "write the golden files anew")

const applications = "../../applications"

func openApplications(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.OpenDir(applications, recipe.Application)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCatalogueIsSound lints the catalogues of this repository.
func TestCatalogueIsSound(t *testing.T) {
	t.Parallel()
	for _, kind := range []recipe.Kind{recipe.Application, recipe.Config, recipe.DockerImage} {
		c, err := catalog.OpenDir("../../"+string(kind), kind)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := c.Lint(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Level == catalog.LevelError {
				t.Error(f)
			}
		}
	}
}

// TestPlans holds what every declarative recipe downloads and makes.
func TestPlans(t *testing.T) {
	t.Parallel()
	c := openApplications(t)
	entries, err := c.List("")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, dir := range e.Versions {
			if _, err := os.Stat(filepath.Join(applications, e.Name, dir, "app.yaml")); err != nil {
				continue
			}
			t.Run(e.Name+"/"+dir, func(t *testing.T) {
				t.Parallel()
				golden(t, filepath.Join("testdata", "plans", e.Name, dir+".txt"), planned(t, c, e.Name, dir))
			})
		}
	}
}

// planned writes the plan of a directory's version for amd64, and what is different for other platforms.
func planned(t *testing.T, c *catalog.Catalog, name, dir string) string {
	t.Helper()
	version := dir
	if dir == "latest" {
		var err error
		if version, err = c.Example(name); err != nil {
			t.Fatal(err)
		}
	}
	r, err := c.Find(name, version)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var first map[string]string
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		if !r.Serves(platform) {
			continue
		}
		p, err := r.Plan(platform)
		if err != nil {
			t.Fatal(err)
		}
		all := maps.Clone(p.Files)
		maps.DeleteFunc(p.Files, func(name, text string) bool { return first[name] == text })
		if first == nil {
			first = all
		}
		fmt.Fprintf(&out, "%s\n", p)
	}
	return out.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with go test ./internal/catalog -run TestPlans -update", err)
	}
	if got != string(want) {
		t.Errorf("the plan is not that of %s; look at the difference and write it with -update\n%s", file, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// TestPlansAreOfRecipes finds golden files whose recipe is gone.
func TestPlansAreOfRecipes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/plans/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	for _, f := range files {
		name, dir := filepath.Base(filepath.Dir(f)), strings.TrimSuffix(filepath.Base(f), ".txt")
		if _, err := os.Stat(filepath.Join(applications, name, dir, "app.yaml")); err != nil {
			t.Errorf("%s is the plan of no recipe: remove it", f)
		}
	}
}

// BenchmarkCatalogue lints every recipe and plans it for both platforms, as a check of a change does.
func BenchmarkCatalogue(b *testing.B) {
	for b.Loop() {
		c, err := catalog.OpenDir(applications, recipe.Application)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Lint(nil); err != nil {
			b.Fatal(err)
		}
		plans := 0
		entries, err := c.List("")
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range entries {
			plans += planAll(b, c, e)
		}
		b.ReportMetric(float64(plans), "plans")
	}
}

// planAll plans every directory of an application for the platforms that it serves.
func planAll(b *testing.B, c *catalog.Catalog, e catalog.Entry) (plans int) {
	b.Helper()
	for _, dir := range e.Versions {
		version := dir
		if dir == "latest" {
			var err error
			if version, err = c.Example(e.Name); err != nil {
				b.Fatal(err)
			}
		}
		r, err := c.Find(e.Name, version)
		if err != nil {
			b.Fatal(err)
		}
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			if !r.Serves(platform) {
				continue
			}
			if _, err := r.Plan(platform); err != nil {
				b.Fatal(err)
			}
			plans++
		}
	}
	return plans
}
