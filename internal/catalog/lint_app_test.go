package catalog_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// TestLintIsStable holds that what lint says has the same order each time: that of the files and lines.
func TestLintIsStable(t *testing.T) {
	t.Parallel()
	const text = `description: A demo
home: https://example.com
categories: [web]
version: {v: never, example: 1.2.3}
sources:
  - {binary: "http://example.com/{arch}", sha256-url: "http://example.com/{arch}.sha256", to: opt/x}
start:
  - {install: opt/y}
`
	const unknown = `description: A demo
home: https://example.com
categories: [web]
version: {v: never, example: 1.2.3}
sources:
  - {manifest: "https://example.com/x", strip: 1, pick: {a: b}, repo: "https://x.y", ref: a, mode: "0644"}
start:
  - {run: a, timeout: 1m, wait: true, keep: true, namespace: x}
`
	files := fstest.MapFS{}
	for name, content := range map[string]string{
		"a/latest/app.yaml": text, "a/latest/build_arch": "amd64", "a/latest/mirrors.txt": "a.b=c.d # x", "a/latest/.sealignore": "x", "a/latest/unchecked.txt": "x # y", "a/latest/init.sh": "",
		"b/latest/app.yaml": unknown,
	} {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	var first []catalog.Finding
	for range 30 {
		findings, err := catalog.Open(files, recipe.Application, "the test's catalogue").Lint(nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = findings
			if len(first) < 16 {
				t.Errorf("few findings: %v", first)
			}
		}
		if !slices.Equal(findings, first) {
			t.Fatalf("findings\n%s\nwere\n%s", fmt.Sprint(findings), fmt.Sprint(first))
		}
	}
}

// TestLintOfNamedFiles holds the line in which a recipe names a file that is not there, and that directories such as .git are no applications.
func TestLintOfNamedFiles(t *testing.T) {
	t.Parallel()
	const text = `description: A demo
home: https://example.com
categories: [web]
version: {v: never, example: 1.2.3}
init: get.sh
start:
  - {run: a}
`
	files := fstest.MapFS{"a/latest/app.yaml": {Data: []byte(text)}, ".git/config": {}, ".github/workflows/x.yml": {}, "B/latest/app.yaml": {Data: []byte(text)}}
	findings, err := catalog.Open(files, recipe.Application, "the test's catalogue").Lint(nil)
	if err != nil || len(findings) != 2 || findings[0].Path != "B" || findings[1].Line != 5 || findings[1].Message != "init is get.sh, which is not there" {
		t.Errorf("%v, %v", findings, err)
	}
}

// TestLintOfValuesFiles holds that a file of values beside the only chart is no chart.
func TestLintOfValuesFiles(t *testing.T) {
	t.Parallel()
	const text = `description: A demo
home: https://example.com
categories: [web]
version: {v: never, example: 1.2.3}
sources:
  - {chart: web, repo: "https://charts.example.com", app-version: "{version}"}
  - {file: "https://example.com/{version}.yaml", to: charts/more.yaml}
  - {manifest: "https://example.com/{version}/a.yaml", to: manifests/}
start:
  - {helm: web, namespace: web, values-files: [charts/more.yaml]}
  - {apply: manifests/a.yaml}
`
	findings, err := catalog.Open(fstest.MapFS{"a/latest/app.yaml": {Data: []byte(text)}}, recipe.Application, "the test's catalogue").Lint(nil)
	if err != nil || slices.ContainsFunc(findings, func(f catalog.Finding) bool { return f.Level == catalog.LevelError }) {
		t.Errorf("%v, %v", findings, err)
	}
}
