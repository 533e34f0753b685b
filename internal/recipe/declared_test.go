package recipe_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/source"
)

// upstream serves what declarative recipes download, and counts what it is asked.
type upstream struct {
	url   string
	mu    sync.Mutex
	pages map[string][]byte
	asked []string
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{pages: map[string][]byte{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.asked = append(u.asked, r.URL.Path)
		page, ok := u.pages[r.URL.Path]
		u.mu.Unlock()
		if !ok {
			http.Error(w, "404 page not found", http.StatusNotFound)
			return
		}
		_, _ = w.Write(page)
	}))
	t.Cleanup(s.Close)
	u.url = s.URL
	return u
}

func (u *upstream) serve(path string, content []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pages[path] = content
}

// requests gives what was asked for since the last call.
func (u *upstream) requests() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.asked
	u.asked = nil
	slices.Sort(out)
	return out
}

// chart adds a chart to the repository /charts, as its index has it.
func (u *upstream) chart(t *testing.T, name, version, appVersion string) {
	t.Helper()
	file := fmt.Sprintf("/charts/%s-%s.tgz", name, version)
	packed := archive(t, name+"/Chart.yaml", fmt.Appendf(nil, "name: %s\nversion: %s\nappVersion: %s\n", name, version, appVersion))
	u.serve(file, packed)
	index := u.pages["/charts/index.yaml"]
	if index == nil {
		index = []byte("apiVersion: v1\nentries:\n  " + name + ":\n")
	}
	u.serve("/charts/index.yaml", fmt.Appendf(index, "  - {version: %s, appVersion: %q, digest: %x, urls: [%s]}\n", version, appVersion, sha256.Sum256(packed), file[len("/charts/"):]))
}

const declaredHead = `description: A demo
home: https://example.com
categories: [web]
version: {v: never, example: 1.2.3}
`

// declare loads a recipe; SERVER in it is where the upstream serves.
func (u *upstream) declare(t *testing.T, version, text string, more map[string]string) recipe.Recipe {
	t.Helper()
	all := map[string]string{"app.yaml": declaredHead + strings.ReplaceAll(text, "SERVER", u.url)}
	for name, content := range more {
		all[name] = content
	}
	r, err := recipe.Load(recipe.Application, "demo", version, "latest", files(all))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func carry(t *testing.T, r recipe.Recipe, platform string, o recipe.Options) (string, error) {
	t.Helper()
	if o.Sources == nil {
		o.Sources = &source.Client{}
	}
	o.Sources.Wait = func(context.Context, time.Duration) error { return nil }
	dest := filepath.Join(t.TempDir(), "context")
	return dest, recipe.Download(t.Context(), r, platform, dest, o)
}

// tree lists the files of a context that the recipe does not generate.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if name == "Kubefile" || name == "entrypoint.sh" {
			return err
		}
		if info, err := e.Info(); err == nil && info.Mode()&0o100 != 0 && strings.HasPrefix(name, "opt/") {
			name += "*"
		}
		out = append(out, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const apply = "start:\n  - run: echo started\n"

// TestFamilies downloads one recipe of each family.
func TestFamilies(t *testing.T) {
	t.Parallel()
	arm := program(elf.EM_AARCH64)
	for name, c := range map[string]struct {
		recipe, want string
		more         map[string]string
		version      string
	}{
		"index by application version": {
			recipe: "sources:\n  - {chart: nginx, repo: SERVER/charts, app-version: \"{version}\"}\n  - {images: [\"a.io/x:{nginx.version}\"], about: why}\n" + apply,
			want:   "charts/nginx/Chart.yaml images/shim/images-2", version: "1.23.1",
		},
		"index by chart version": {
			recipe: "sources:\n  - {chart: nginx, repo: SERVER/charts, version: v4.9.1}\n" + apply, want: "charts/nginx/Chart.yaml",
		},
		"index by range": {
			recipe: "sources:\n  - {chart: nginx, repo: SERVER/charts, version: \"~4.10\", name: n, to: charts/other}\n" + apply, want: "charts/other/Chart.yaml",
		},
		"chart by URL": {
			recipe: "sources:\n  - {chart: \"SERVER/charts/nginx-4.10.1.tgz\", to: charts/x, name: x}\n  - {images: [\"a.io/x:{x.app-version}\"], about: why}\n" + apply,
			want:   "charts/x/Chart.yaml images/shim/images-2",
		},
		"manifest": {
			recipe: "sources:\n  - {manifest: \"SERVER/{version-v}/deploy.yaml\"}\n" + apply, want: "manifests/deploy.yaml",
		},
		"binary in an archive": {
			recipe: "sources:\n  - {binary: \"SERVER/tool-{arch}.tar.gz\", arch: {arm64: aarch64}, extract: \"bin/tool\"}\n" + apply, want: "opt/tool*",
		},
		"several binaries": {
			recipe: "sources:\n  - binary: \"SERVER/tool-{arch}.tar.gz\"\n    arch: {arm64: aarch64}\n    extract: {bin/tool: opt/a}\n" + apply, want: "opt/a*",
		},
		"binary packed alone": {
			recipe: "sources:\n  - {binary: \"SERVER/tool-{arch}.gz\"}\n" + apply, want: "opt/tool-arm64*",
		},
		"binary plain": {
			recipe: "sources:\n  - {binary: \"SERVER/tool-{arch}\", to: opt/tool}\n" + apply, want: "opt/tool*",
		},
		"archive": {
			recipe: "sources:\n  - {archive: SERVER/src.tar.gz, strip: 1, pick: {deploy/chart: charts/c, \"*.yaml\": manifests/}}\n" + apply,
			want:   "charts/c/Chart.yaml charts/c/templates/x.yaml manifests/crds.yaml",
		},
		"file": {
			recipe: "sources:\n  - {file: SERVER/x.conf, to: etc/x.conf}\n" + apply, want: "etc/x.conf",
		},
		"below a directory": {
			recipe: "sources:\n  - {file: \"SERVER/x.conf?{version}\", to: etc/}\n  - {manifest: SERVER/v1.2.3/deploy.yaml, to: manifests/more/}\n  - {chart: nginx, repo: SERVER/charts, version: 4.9.1, to: charts/}\n" +
				"  - {binary: \"SERVER/tool-{arch}\", to: opt/bin/}\n" + apply,
			want: "charts/nginx/Chart.yaml etc/x.conf manifests/more/deploy.yaml opt/bin/tool-arm64*",
		},
		"list by URL": {
			recipe: "sources:\n  - {images: SERVER/images.txt}\n" + apply, want: "images/shim/images-1",
		},
		"list out of a file": {
			recipe: "sources:\n  - {manifest: SERVER/v1.2.3/deploy.yaml}\n  - {images: {file: manifests/deploy.yaml, path: \"spec[].image\", join: \"b.io/{value}\"}}\n" + apply,
			want:   "images/shim/images-2 manifests/deploy.yaml",
		},
		"list out of source code": {
			recipe: "sources:\n  - {images: {url: SERVER/defaults.go, match: 'Image = \"(.*)\"', join: \"docker.io/x/y:{value}\"}}\n" + apply, want: "images/shim/images-1",
		},
		"not in this version": {
			recipe: "sources:\n  - {file: SERVER/gone, to: etc/x, when: \"<1\"}\n" + apply, want: "",
		},
		"a Kubefile of another name": {
			recipe: "kubefile: build/start.txt\nsources:\n  - {file: SERVER/x.conf, to: etc/x.conf}\n", more: map[string]string{"build/start.txt": "FROM scratch\nCOPY etc etc\n"}, want: "etc/x.conf",
		},
		"vendored": {recipe: apply, more: map[string]string{"manifests/a.yaml": "kind: List\n", "locks/1.yaml": "x", "README.md": "x"}, want: "manifests/a.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			for _, v := range [][2]string{{"4.9.1", "1.23.1"}, {"4.10.1", "1.23.1"}, {"v4.9.1", "v1.23.1"}, {"9.0.0", "1.23.10"}, {"9.9.9", "11.23.1"}} {
				u.chart(t, "nginx", v[0], v[1])
			}
			u.serve("/v1.2.3/deploy.yaml", []byte("kind: X\nspec: [{image: a:1}, {image: b:2}]\n"))
			u.serve("/tool-aarch64.tar.gz", archive(t, "bin/tool", arm))
			u.serve("/tool-arm64.gz", gzipped(t, arm))
			u.serve("/tool-arm64", arm)
			u.serve("/x.conf", []byte("a=b\n"))
			u.serve("/images.txt", []byte("# all\na.io/a:1\n- \"a.io/b:2\" # why\n\n"))
			u.serve("/defaults.go", []byte("const Image = \"7.2\"\n"))
			u.serve("/src.tar.gz", tarball(t, [][2]string{{"src-1/deploy/chart/Chart.yaml", "name: c\n"}, {"src-1/deploy/chart/templates/x.yaml", "x"}, {"src-1/crds.yaml", "kind: X\n"}, {"src-1/other", "x"}}))
			version := c.version
			if version == "" {
				version = "1.2.3"
			}
			dest, err := carry(t, u.declare(t, version, c.recipe, c.more), "linux/arm64", recipe.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := tree(t, dest); got != c.want {
				t.Errorf("context has %s, want %s", got, c.want)
			}
		})
	}
}

func tarball(t *testing.T, files [][2]string) []byte {
	t.Helper()
	var whole []byte
	for i, f := range files {
		one := archive(t, f[0], []byte(f[1]))
		r, err := gzip.NewReader(bytes.NewReader(one))
		if err != nil {
			t.Fatal(err)
		}
		var plain bytes.Buffer
		if _, err := plain.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		b := plain.Bytes()
		if i < len(files)-1 {
			b = b[:len(b)-1024] // the end of an archive is two empty blocks
		}
		whole = append(whole, b...)
	}
	return gzipped(t, whole)
}

// TestChartIsTheNewest holds which chart an application version means, and that placeholders of later sources know it.
func TestChartIsTheNewest(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	for _, v := range [][2]string{{"4.9.1", "1.23.1"}, {"4.10.1", "1.23.1"}, {"9.0.0", "1.23.10"}} {
		u.chart(t, "nginx", v[0], v[1])
	}
	text := "sources:\n  - {chart: nginx, repo: SERVER/charts, app-version: \"{version}\"}\n  - {images: [\"a.io/x:{nginx.version}-{nginx.app-version}\"], about: why}\n" + apply
	dest, err := carry(t, u.declare(t, "1.23.1", text, nil), "linux/arm64", recipe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dest, "images/shim/images-2")); got != "# why\na.io/x:4.10.1-1.23.1\n" {
		t.Errorf("images %q", got)
	}
	_, err = carry(t, u.declare(t, "1.23.2", text, nil), "linux/arm64", recipe.Options{})
	want := "demo 1.23.2 for linux/arm64: app.yaml:6: chart: chart nginx in " + u.url + "/charts: no chart for this application version: 1.23.2; the nearest are 1.23.1, 1.23.10"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

// TestChartVersionIsWhole holds that a version which is nearly right is none, where the chart's version is that of the image.
func TestChartVersionIsWhole(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	for _, v := range []string{"4.9.1", "4.10.1"} {
		u.chart(t, "nginx", v, "1.23.1")
	}
	text := "sources:\n  - {chart: nginx, repo: SERVER/charts, version: \"{version}\"}\n" + apply
	if _, err := carry(t, u.declare(t, "v4.9.1", text, nil), "linux/arm64", recipe.Options{}); err != nil {
		t.Error(err)
	}
	for _, version := range []string{"4", "4.9", "4.9.2"} {
		_, err := carry(t, u.declare(t, version, text, nil), "linux/arm64", recipe.Options{})
		if err == nil || !strings.Contains(err.Error(), "no chart version is "+version+"; the nearest are 4.") {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// TestDeclaredFailures holds what is said when something is wrong with what is downloaded.
func TestDeclaredFailures(t *testing.T) {
	t.Parallel()
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("a=b\n")))
	for name, c := range map[string]struct{ recipe, want string }{
		"missing":         {"sources:\n  - {file: SERVER/gone, to: etc/x}\n", "app.yaml:6: file: download failed: SERVER/gone: the server answered 404 Not Found"},
		"page":            {"sources:\n  - {manifest: SERVER/page.yaml}\n", "what was downloaded is wrong:\n    manifests/page.yaml is an HTML page: the download was answered with a page in place of the file\na file that is meant to be so is named under unchecked of app.yaml, with its path and the reason"},
		"wrong machine":   {"sources:\n  - {binary: \"SERVER/tool-{arch}\", to: opt/tool}\n", "what was downloaded is wrong:\n    opt/tool is a program for linux/amd64, not for linux/arm64\na file that is meant to be so is named under unchecked of app.yaml, with its path and the reason"},
		"checksum":        {"sources:\n  - {file: SERVER/x.conf, to: etc/x, sha256: " + strings.Repeat("0", 64) + "}\n", "app.yaml:6: file: download failed: SERVER/x.conf: checksum does not match: it is sha256:" + sum + ", and sha256:" + strings.Repeat("0", 64) + " was expected"},
		"not in archive":  {"sources:\n  - {archive: SERVER/src.tar.gz, pick: {deploy: charts/x}}\n", "app.yaml:6: archive: download failed: SERVER/src.tar.gz has no deploy; at its top there are src-1"},
		"no archive":      {"sources:\n  - {archive: SERVER/x.conf, pick: {a: b}}\n", "app.yaml:6: archive: SERVER/x.conf: cannot be unpacked: it is neither a tar nor a zip"},
		"slip":            {"sources:\n  - {archive: SERVER/slip.tar.gz, pick: {.: opt}}\n", "app.yaml:6: archive: SERVER/slip.tar.gz: cannot be unpacked: the entry \"../../etc/passwd\" leads out of it"},
		"edit of nothing": {"sources:\n  - {file: SERVER/x.conf, to: etc/x}\nedits:\n  - {file: etc/x, replace: [{old: zzz, new: y}], reason: z}\n", "app.yaml:8: edit of etc/x: it has no text \"zzz\" to replace"},
		"edit elsewhere":  {"edits:\n  - {file: etc/y, set: {a: 1}, reason: z}\n", "app.yaml:6: edit of etc/y: read etc/y: no such file or directory"},
		"twice":           {"sources:\n  - {archive: SERVER/src.tar.gz, strip: 1, pick: {crds.yaml: manifests/a.yaml}}\n", "app.yaml:6: archive: SERVER/src.tar.gz: manifests/a.yaml is there already: the recipe brings it, or another source"},
		"no images":       {"sources:\n  - {images: {url: SERVER/x.conf, match: \"(zzz)\"}}\n", "app.yaml:6: images: images in SERVER/x.conf: it has none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			u.serve("/page.yaml", []byte("<!doctype html><html>404"))
			u.serve("/tool-arm64", program(elf.EM_X86_64))
			u.serve("/x.conf", []byte("a=b\n"))
			u.serve("/src.tar.gz", tarball(t, [][2]string{{"src-1/crds.yaml", "kind: X\n"}}))
			u.serve("/slip.tar.gz", archive(t, "../../etc/passwd", []byte("x")))
			_, err := carry(t, u.declare(t, "1.2.3", c.recipe+apply, map[string]string{"manifests/a.yaml": "kind: List\n"}), "linux/arm64", recipe.Options{})
			want := "demo 1.2.3 for linux/arm64: " + strings.ReplaceAll(c.want, "SERVER", u.url)
			if err == nil || err.Error() != want {
				t.Errorf("error\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	dest, err := carry(t, u.declare(t, "1.2.3", `edits:
  - {file: charts/x/values.yaml, set: {image.tag: "{version}", new.deep: [1], "list[+]": c}, delete: [image.digest], reason: x}
  - {file: manifests/*.yaml, select: {kind: Deployment}, set: {"spec.containers[0].image": b}, reason: x}
  - {file: manifests/*.yaml, replace: [{old: none, new: some}], when: "<1", reason: x}
`+apply, map[string]string{
		"charts/x/values.yaml": "# the image\nimage:\n  tag: 0 # moves\n  digest: sha256:x\nlist: [a, b]\n",
		"manifests/a.yaml":     "kind: List\n---\nkind: Deployment\nspec:\n  containers:\n    - image: a\n",
	}), "linux/arm64", recipe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, filepath.Join(dest, "charts/x/values.yaml")), "# the image\nimage:\n  tag: \"1.2.3\" # moves\nlist: [a, b, c]\nnew:\n  deep: [1]\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := read(t, filepath.Join(dest, "manifests/a.yaml")), "kind: List\n---\nkind: Deployment\nspec:\n  containers:\n    - image: b\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestHeldToALock downloads with a lock: nothing but the file is asked for, and a file that changed is refused.
func TestHeldToALock(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.chart(t, "nginx", "4.9.1", "1.23.1")
	u.serve("/x.conf", []byte("a=b\n"))
	r := u.declare(t, "1.23.1", "sources:\n  - {chart: nginx, repo: SERVER/charts, app-version: \"{version}\"}\n  - {file: SERVER/x.conf, to: etc/x}\n"+apply, nil)
	record := new(recipe.Record)
	if _, err := carry(t, r, "linux/arm64", recipe.Options{Record: record}); err != nil {
		t.Fatal(err)
	}
	l := record.Lock("demo", "1.23.1", []string{"linux/arm64"})
	if len(l.Inputs) != 2 || l.Inputs[0].Version != "4.9.1" || l.Inputs[1].Size != 4 || l.Values["linux/arm64"] == "" {
		t.Errorf("lock %+v", l)
	}
	u.chart(t, "nginx", "4.10.1", "1.23.1")
	u.requests()
	dest, err := carry(t, r, "linux/arm64", recipe.Options{Lock: &l})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dest, "charts/nginx/Chart.yaml")); !strings.Contains(got, "version: 4.9.1") {
		t.Errorf("chart\n%s", got)
	}
	if got := u.requests(); !slices.Equal(got, []string{"/charts/nginx-4.9.1.tgz", "/x.conf"}) {
		t.Errorf("asked for %v", got)
	}
	u.serve("/x.conf", []byte("a=c\n"))
	_, err = carry(t, r, "linux/arm64", recipe.Options{Lock: &l})
	if want := fmt.Sprintf("it is sha256:%x, the lock says sha256:%s", sha256.Sum256([]byte("a=c\n")), l.Inputs[1].SHA256); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "/x.conf") {
		t.Errorf("error %v, want %s", err, want)
	}
	other := u.declare(t, "1.23.1", "sources:\n  - {file: SERVER/y.conf, to: etc/x}\n"+apply, nil)
	var drift *lock.Drift
	if _, err := carry(t, other, "linux/arm64", recipe.Options{Lock: &l}); !errors.As(err, &drift) || !strings.Contains(err.Error(), "/y.conf: it is not in the lock") {
		t.Errorf("error %v", err)
	}
}

func TestSourceMirror(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.serve("/gh/o/r/x.conf", []byte("a=b\n"))
	r := u.declare(t, "1.2.3", "sources:\n  - {file: https://github.com/o/r/x.conf, to: etc/x}\n"+apply, nil)
	m, err := source.ParseMirror("https://github.com=" + u.url + "/gh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := carry(t, r, "linux/arm64", recipe.Options{Sources: &source.Client{Mirrors: source.Mirrors{m}}}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"github.com=x", "https://a", "https://a=ftp://b", "https://u:p@a=https://b"} {
		if _, err := source.ParseMirror(bad); !errors.Is(err, source.ErrMirror) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if got := (source.Mirrors{{Prefix: "https://a.b", Target: "https://c"}}).Apply("https://a.bc/x"); got != "https://a.bc/x" {
		t.Errorf("a host that begins alike: %s", got)
	}
}
