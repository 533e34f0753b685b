package dagger

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/demo"
)

// build is a build that is run in process and on an engine.
type build struct {
	app, version string
	recipes      string
	// flags are those that a build in process and the module know by the same name, env the variables of recipes.
	flags, env []string
	// more are the flags of build itself.
	more []string
}

// same builds in process and on the engine, and wants one digest.
func (e *engine) same(t *testing.T, from *upstream, b build) string {
	t.Helper()
	args := append([]string{"build", b.app, b.version, "--recipes", b.recipes, "--cache", t.TempDir(), "--mirror", "docker.io=" + from.address,
		"--plain-http", from.address}, append(b.flags, b.more...)...)
	out := run(t.Context(), t.TempDir(), b.env, e.program, args...).must(t)
	_, want, _ := strings.Cut(out, "@")
	got := e.call(t, from, b.recipes, nil, b.call("digest")...).must(t)
	if got != want {
		t.Errorf("%s %s: the engine gives %s, in process it is %s", b.app, b.version, got, want)
	}
	return got
}

// call are the arguments of a call with this build and a leaf.
func (b build) call(leaf ...string) []string {
	args := slices.Clone(b.flags)
	for _, kv := range b.env {
		args = append(args, "--recipe-env", kv)
	}
	args = append(args, "build", "--app", b.app, "--version", b.version)
	return append(append(args, b.more...), leaf...)
}

// charts is a repository of charts that containers reach.
type charts struct {
	address string
	index   string
	pages   map[string][]byte
}

func newCharts(t *testing.T) *charts {
	t.Helper()
	host, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	c := &charts{index: "apiVersion: v1\nentries:\n", pages: map[string][]byte{}}
	server := &httptest.Server{Listener: listen(t), Config: &http.Server{Handler: http.HandlerFunc(c.serve)}}
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c.address = net.JoinHostPort(host, port)
	return c
}

func (c *charts) serve(w http.ResponseWriter, r *http.Request) {
	page, ok := c.pages[r.URL.Path]
	if r.URL.Path == "/charts/index.yaml" {
		page, ok = []byte(c.index), true
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
}

func (c *charts) url() string { return "http://" + c.address + "/charts" }

// instead are the flags by which charts come from here.
func (c *charts) instead(repository string) []string {
	return []string{"--source-mirror", repository + "=" + c.url()}
}

// add adds a chart with one deployment of an image.
func (c *charts) add(t *testing.T, name, version, app, values, image string) {
	t.Helper()
	file := name + "-" + version + ".tgz"
	b := archive(t, map[string]string{
		name + "/Chart.yaml":  fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\nappVersion: %s\n", name, version, app),
		name + "/values.yaml": values,
		name + "/templates/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec:\n  template:\n    spec:\n" +
			"      containers:\n      - name: main\n        image: " + image + "\n",
	})
	c.pages["/charts/"+file] = b
	c.index += fmt.Sprintf("  %s:\n  - name: %[1]s\n    version: %s\n    appVersion: %s\n    digest: %x\n    urls: [%s]\n", name, version, app, sha256.Sum256(b), file)
}

func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for name, text := range files {
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

// Applications of the catalogue, whose versions have a v in their recipes, and have none.
func TestApplications(t *testing.T) {
	e, from, world := newEngine(t), newUpstream(t, ""), newCharts(t)
	world.add(t, "nginx", "15.0.1", "1.23.1", "service: {type: LoadBalancer}\n", "docker.io/bitnami/nginx:1.23.1")
	world.add(t, "cert-manager", "v1.16.2", "v1.16.2", "crds: {enabled: false}\n", "quay.io/jetstack/cert-manager-controller:v1.16.2")
	world.add(t, "metrics-server", "3.8.3", "0.6.2", "args: []\n", "registry.k8s.io/metrics-server/metrics-server:v0.6.2")
	from.image(t, "bitnamilegacy/nginx:1.23.1")
	from.image(t, "jetstack/cert-manager-controller:v1.16.2")
	from.image(t, "metrics-server/metrics-server:v0.6.2")
	for _, b := range []build{
		{app: "nginx", version: "1.23.1", flags: world.instead("https://raw.githubusercontent.com/bitnami/charts/archive-full-index/bitnami")},
		{app: "cert-manager", version: "1.16.2", flags: append(world.instead("https://charts.jetstack.io"), "--mirror", "quay.io="+from.address)},
		{app: "metrics-server", version: "0.6.2", flags: append(world.instead("https://kubernetes-sigs.github.io/metrics-server"), "--mirror", "registry.k8s.io="+from.address)},
	} {
		t.Run(b.app, func(t *testing.T) {
			b.recipes, b.env = filepath.Join(e.root, "applications"), []string{"RECIPE_PLAIN_HTTP=" + world.address}
			e.same(t, from, b)
		})
	}
}

// The recipe of the demo, with charts and files behind a proxy and images of four registries.
func TestDemoRecipe(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	host, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	e.tool(t, from)
	world, err := demo.OpenWorld(t.Context(), "0.0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.Close() })
	files, err := world.Recipes()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(recipes, files); err != nil {
		t.Fatal(err)
	}
	registry := net.JoinHostPort(host, world.Registry())
	args := []string{"--http-proxy", "http://" + net.JoinHostPort(host, world.Proxy()), "--no-proxy", host, "--plain-http", registry,
		"--recipe-env", `"RECIPE_PLAIN_HTTP=charts.example.com,files.example.com"`}
	for _, name := range []string{"docker.io", "quay.io", "registry.k8s.io", "ghcr.io"} {
		args = append(args, "--mirror", name+"="+registry)
	}
	args = append(args, "build", "--app", demo.Application, "--version", demo.Version)
	argv := append([]string{"call", "--progress=plain", "--recipes", recipes}, append(e.args, args...)...)
	got := run(t.Context(), e.root, nil, "dagger", append(argv, "digest")...).must(t)
	if want := run(t.Context(), t.TempDir(), nil, e.program, "demo").must(t); got != want {
		t.Errorf("the engine gives %s, in process it is %s", got, want)
	}
}

// A chart that demands a password is rendered for the proof as it was for the build, though the image has no password: what stands for it is in the
// context alone.
func TestVerifyOfARecipeWithAPassword(t *testing.T) {
	e, from, world, recipes := newEngine(t), newUpstream(t, ""), newCharts(t), t.TempDir()
	world.add(t, "web", "1.0.0", "1.0.0", "", "docker.io/library/one:1\n        env: [{name: PASSWORD, value: {{ required \"a password\" .Values.password | quote }}}]")
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "web", map[string]string{"app.yaml": "description: a web server\nhome: https://example.com\nlicenses: Apache-2.0\ncategories: [web]\n" +
		"version: {v: never, example: 1.0.0}\nsources:\n- chart: web\n  repo: https://charts.example.com\n  version: \"{version}\"\n" +
		"variables:\n  PASSWORD: {generate: password, about: password of the administrator}\n" +
		"start:\n- helm: web\n  namespace: web\n  from-variables: {password: PASSWORD}\n"})
	b := build{app: "web", version: "1.0.0", recipes: recipes, env: []string{"RECIPE_PLAIN_HTTP=" + world.address},
		flags: world.instead("https://charts.example.com")}
	want := "linux/amd64: complete, 1 images needed, 1 in the image\nlinux/arm64: complete, 1 images needed, 1 in the image"
	if got := e.call(t, from, recipes, nil, b.call("verify")...).must(t); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	archive, contexts := filepath.Join(t.TempDir(), "web.tar"), t.TempDir()
	e.call(t, from, recipes, nil, b.call("archive", "export", "--path", archive)...).must(t)
	e.call(t, from, recipes, nil, b.call("context", "export", "--path", contexts)...).must(t)
	if got := e.call(t, from, recipes, nil, "verify", "--archive", archive, "--context", contexts).must(t); got != want {
		t.Errorf("of the archive: got %q, want %q", got, want)
	}
}

// A locked build takes what the lock has, and says what is different.
func TestLock(t *testing.T) {
	e, from, world, recipes, locks := newEngine(t), newUpstream(t, ""), newCharts(t), t.TempDir(), t.TempDir()
	world.add(t, "web", "1.0.0", "1.0.0", "", "docker.io/library/one:1")
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "web", map[string]string{"app.yaml": "description: a web server\nhome: https://example.com\nlicenses: Apache-2.0\ncategories: [web]\n" +
		"version: {v: never, example: 1.0.0}\nsources:\n- chart: web\n  repo: https://charts.example.com\n  version: \"{version}\"\nstart:\n- helm: web\n  namespace: web\n"})
	b := build{app: "web", version: "1.0.0", recipes: recipes, env: []string{"RECIPE_PLAIN_HTTP=" + world.address},
		flags: world.instead("https://charts.example.com")}
	unlocked := e.same(t, from, b)
	file := filepath.Join(locks, "web", "1.0.0.yaml")
	e.call(t, from, recipes, nil, b.call("lock", "export", "--path", file)...).must(t)

	b.more = []string{"--locked"}
	o := e.call(t, from, recipes, nil, b.call("digest")...)
	if _, message, _ := strings.Cut(o.stderr, "\nError:"); o.err == nil || !strings.Contains(message, "has no lock") {
		t.Errorf("without a lock: %v\n%s", o.err, message)
	}
	withLocks := b
	withLocks.flags = append([]string{"--locks", locks}, b.flags...)
	if got := e.call(t, from, recipes, nil, withLocks.call("digest")...).must(t); got != unlocked {
		t.Errorf("the locked build gives %s, want %s", got, unlocked)
	}
	e.sameCommand(t, b.env, append([]string{"build", b.app, b.version, "--recipes", recipes, "--locked", "--locks", locks, "--mirror", "docker.io=" + from.address,
		"--plain-http", from.address}, b.flags...)...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeRecipe(t, recipes, "web", map[string]string{"locks/1.0.0.yaml": string(text)})
	from.image(t, "library/one:1") // the tag moves, the lock does not
	if got := e.call(t, from, recipes, nil, b.call("digest")...).must(t); got != unlocked {
		t.Errorf("when a tag has moved, the locked build gives %s, want %s", got, unlocked)
	}
	world.add(t, "web", "1.0.0", "1.0.0", "# another\n", "docker.io/library/one:1")
	o = e.call(t, from, recipes, nil, append(b.call("--refresh"), "digest")...)
	if _, message, _ := strings.Cut(o.stderr, "\nError:"); o.err == nil || !strings.Contains(message, "lock") {
		t.Errorf("with another chart: %v\n%s", o.err, message)
	}
}
