package catalog_test

import (
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// TestReadmesAreCurrent compares the READMEs of this repository's catalogue with what the recipes make of them.
func TestReadmesAreCurrent(t *testing.T) {
	t.Parallel()
	c := openApplications(t)
	names, err := c.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		want, is, err := c.Readme(name, "docker.io/labring")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want != is {
			t.Errorf("applications/%s/README.md is out of date: cluster-image readme --all", name)
		}
	}
}

const declared = `description: A web server
home: https://example.com
licenses: MIT
categories: [web]
notes: |
  It **serves**.
platforms: {only: [amd64], reason: its images are built for nothing else}
requires: {kubernetes: ">=1.23", storage-class: true}
version: {v: always, range: ">=1.2.0", example: v1.3.0}
sources:
  - chart: web
    repo: https://charts.example.com
    app-version: "{version}"
  - binary: https://example.com/{version}/web-{arch}
    to: opt/webctl
variables:
  MAIL: {required: true, about: "who is told | asked", render: a@example.com}
  PASSWORD: {generate: password, about: of the first user}
  SIZE: {default: 10Gi, about: of the volume}
images:
  fetch-from: [{prefix: docker.io/old, from: docker.io/older, reason: they moved}]
start:
  - install: opt/webctl
  - helm: web
    namespace: web
    options: --set a.b=1
    from-variables: {mail: MAIL, password: PASSWORD, size: SIZE}
`

const declaredReadme = "# web\n\nA web server.\n\n    sealos run docker.io/labring/web:v1.3.0 -e MAIL=VALUE\n\nIt **serves**.\n" + `
## Versions

Versions ` + "`>=1.2.0`, for example v1.3.0. Written with a `v`; without it is understood too." + `

## What it needs

- a Kubernetes cluster that sealos installed (Kubernetes ` + "`>=1.23`" + `)
- ` + "`helm` on the first master; the cluster image `helm` brings it" + `
- a default StorageClass
- a value of ` + "`MAIL`" + `

## Variables

| variable | default | meaning |
|---|---|---|
` + "| `NAME` | `web` | the name of the release |\n| `NAMESPACE` | `web` | the namespace of the release, made when there is none |\n" +
	"| `CHARTS` | `./charts/web` | the chart in the image |\n| `HELM_OPTS` | `--set a.b=1` | further options of helm upgrade |\n" +
	"| `SIZE` | `10Gi` | of the volume |\n| `MAIL` | *required* | who is told \\| asked |\n| `PASSWORD` | *made at the first start, kept in a Secret* | of the first user |" + `

    sealos run docker.io/labring/web:v1.3.0 -e MAIL=VALUE -e NAMESPACE=web

` + "A value of `HELM_OPTS` takes the place of the default: repeat what is still wanted." + `

## Uninstall

    sealos run docker.io/labring/web:v1.3.0 -e uninstall=true

sealos remembers variables: to install again afterwards, give ` + "`-e uninstall=false`" + `.

## Platforms

Only amd64: its images are built for nothing else.

## Where it comes from

The recipe is ` + "`applications/web/latest`" + `. Home: <https://example.com>, licence: MIT.

- chart ` + "`web`" + ` from <https://charts.example.com>
- program ` + "`webctl` from `https://example.com/{version}/web-{arch}`" + `

Images of ` + "`docker.io/old` are fetched from `docker.io/older`" + `: they moved. They keep the names that the charts ask for.

Build it yourself, for all platforms at once:

    cluster-image build web v1.3.0
`

func TestReadme(t *testing.T) {
	t.Parallel()
	c := catalog.Open(fstest.MapFS{
		"web/latest/app.yaml": {Data: []byte(declared)}, "web/README.md": {Data: []byte("# web\n")}, "classic/latest/init.sh": {},
	}, recipe.Application, "the test's catalogue")
	want, is, err := c.Readme("web", "docker.io/labring")
	if err != nil || is != "# web\n" {
		t.Errorf("it is %q, %v", is, err)
	}
	if want != declaredReadme {
		t.Errorf("got\n%s\nwant\n%s", want, declaredReadme)
	}
	if want, _, err := c.Readme("classic", "docker.io/labring"); want != "" || err != nil {
		t.Errorf("a recipe of scripts: %q, %v", want, err)
	}
	if _, _, err := c.Readme("wbe", "docker.io/labring"); err == nil {
		t.Error("an unknown name has a README")
	}
}
