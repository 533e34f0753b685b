package toolbox_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/source"
)

const applications = "../../applications"

// download builds the context of an application of the catalogue; what it downloads comes from a server of the test's.
func download(t *testing.T, u *upstream, name, version, platform string) (string, error) {
	t.Helper()
	c, err := catalog.OpenDir(applications, recipe.Application)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Find(name, version)
	if err != nil {
		t.Fatal(err)
	}
	client := &source.Client{Mirrors: source.Mirrors{
		{Prefix: "https://raw.githubusercontent.com/bitnami/charts/archive-full-index/bitnami", Target: u.url + "/charts"}, {Prefix: "https://charts.jetstack.io", Target: u.url + "/charts"},
		{Prefix: "https://get.helm.sh", Target: u.url}, {Prefix: "https://github.com", Target: u.url},
	}}
	dest := filepath.Join(t.TempDir(), "context")
	return dest, recipe.Download(t.Context(), r, platform, dest, recipe.Options{Sources: client})
}

func text(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestClassicRecipe runs an init.sh that uses the program's own tools.
func TestClassicRecipe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed: apt-get install bash")
	}
	u := newUpstream(t)
	u.chart("web", "4.9.1", "1.23.1", "service: {type: LoadBalancer}\n")
	u.chart("web", "4.10.1", "1.23.1", "service: {type: LoadBalancer}\n")
	r, err := recipe.Load(recipe.Application, "web", "1.23.1", "latest", fstest.MapFS{"init.sh": {Data: []byte(`set -euo pipefail
chart=$(cluster-image chart-version "$RECIPE_CHARTS" web "$3")
helm pull web --repo "$RECIPE_CHARTS" --version "$chart" --untar --untardir charts
yq .service.type charts/web/values.yaml > type
echo '{"a": 1}' | jq .a >> type
`)}})
	if err != nil {
		t.Fatal(err)
	}
	dest := filepath.Join(t.TempDir(), "context")
	if err := recipe.Download(t.Context(), r, "linux/arm64", dest, recipe.Options{Tools: tools(t), Environ: []string{"RECIPE_CHARTS=" + u.url + "/charts"}}); err != nil {
		t.Fatal(err)
	}
	if got := text(t, dest, "charts/web/Chart.yaml"); !strings.Contains(got, "\nversion: 4.10.1\n") || text(t, dest, "type") != "LoadBalancer\n1\n" {
		t.Errorf("chart\n%s\ntype %q", got, text(t, dest, "type"))
	}
}

func TestNginx(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	for version, app := range map[string]string{"4.9.1": "1.23.1", "4.10.1": "1.23.1", "9.0.0": "1.23.10", "9.9.9": "11.23.1"} {
		u.chart("nginx", version, app, "service:\n  type: LoadBalancer\n")
	}
	for _, version := range []string{"1.23.1", "v1.23.1"} {
		dest, err := download(t, u, "nginx", version, "linux/arm64")
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, dest, "charts/nginx/Chart.yaml"); !strings.Contains(got, "\nversion: 4.10.1\n") {
			t.Errorf("nginx %s: chart\n%s", version, got)
		}
	}
	_, err := download(t, u, "nginx", "1.23.2", "linux/amd64")
	const want = "nginx 1.23.2 for linux/amd64: app.yaml:12: chart: chart nginx in https://raw.githubusercontent.com/bitnami/charts/archive-full-index/bitnami: no chart for this application version: " +
		"1.23.2; the nearest are 1.23.1, 1.23.10, 11.23.1"
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func TestCertManager(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.chart("cert-manager", "v1.16.2", "v1.16.2", "crds:\n  enabled: false\nservice: {}\n")
	u.chart("cert-manager", "v1.14.7", "v1.14.7", "installCRDs: false\nservice: {}\n")
	const release = "/cert-manager/cert-manager/releases/download/v1.14.7/cmctl-linux-"
	u.archive(release+"arm64.tar.gz", map[string]string{"cmctl": program("arm64"), "LICENSE": "text"})
	u.archive(release+"amd64.tar.gz", map[string]string{"cmctl": program("arm64"), "LICENSE": "text"})

	dest, err := download(t, u, "cert-manager", "1.16.2", "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, dest, "Kubefile"); !strings.Contains(got, `ENV HELM_OPTS="--set crds.enabled=true"`) {
		t.Errorf("Kubefile\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(dest, "opt")); err == nil {
		t.Error("a release without cmctl has opt/")
	}

	if dest, err = download(t, u, "cert-manager", "v1.14.7", "linux/arm64"); err != nil {
		t.Fatal(err)
	}
	if got := text(t, dest, "Kubefile"); !strings.Contains(got, `ENV HELM_OPTS="--set installCRDs=true"`) {
		t.Errorf("Kubefile\n%s", got)
	}
	if got := text(t, dest, "opt/cmctl"); got != program("arm64") {
		t.Errorf("opt/cmctl has %d bytes", len(got))
	}

	// The server's archive for amd64 holds a program for arm64.
	if _, err = download(t, u, "cert-manager", "v1.14.7", "linux/amd64"); err == nil || !strings.Contains(err.Error(), "\n    opt/cmctl is a program for linux/arm64, not for linux/amd64\n") {
		t.Errorf("error %v", err)
	}
}

func TestHelmApplication(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	for _, arch := range []string{"amd64", "arm64"} {
		u.archive("/helm-v3.16.4-linux-"+arch+".tar.gz", map[string]string{"linux-" + arch + "/helm": program(arch), "linux-" + arch + "/README.md": "text"})
	}
	for _, version := range []string{"v3.16.4", "3.16.4"} {
		for _, arch := range []string{"amd64", "arm64"} {
			dest, err := download(t, u, "helm", version, "linux/"+arch)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, dest, "opt/helm"); got != program(arch) {
				t.Errorf("opt/helm of %s has %d bytes", arch, len(got))
			}
		}
	}
	if _, err := download(t, u, "helm", "v9.9.9", "linux/amd64"); err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("a version that does not exist: %v", err)
	}
	u.pages["/helm-v3.16.4-linux-amd64.tar.gz"] = []byte("something else")
	if _, err := download(t, u, "helm", "v3.16.4", "linux/amd64"); err == nil || !strings.Contains(err.Error(), "checksum does not match") {
		t.Errorf("an archive that was changed: %v", err)
	}
}

// TestApplicationsAreSound holds what every recipe of the catalogue must have. A program's embedded copy loses the bit that makes a file executable and
// gives it back to scripts, so that on disk scripts, and nothing else, must have it.
func TestApplicationsAreSound(t *testing.T) {
	t.Parallel()
	fsys := os.DirFS(applications)
	err := fs.WalkDir(fsys, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if script := bytes.HasPrefix(b, []byte("#!")); script != (info.Mode()&0o111 != 0) {
			t.Errorf("%s: mode %v, begins with #!: %v", path, info.Mode(), script)
		}
		if bytes.Contains(b, []byte("\r")) {
			t.Errorf("%s has carriage returns", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.OpenDir(applications, recipe.Application)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := c.List("")
	if err != nil || len(entries) < 3 {
		t.Fatalf("%d applications, %v", len(entries), err)
	}
	for _, e := range entries {
		app, err := c.Show(e.Name)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		for _, r := range app.Recipes {
			if slices.Contains(r.Files, "app.yaml") {
				continue
			}
			if app.About == "" {
				t.Errorf("%s has no README", e.Name)
			}
			if !slices.Contains(r.Files, "Kubefile") {
				t.Errorf("%s/%s has no Kubefile", e.Name, r.Dir)
			}
		}
	}
}
