package site_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/site"
)

func files(t testing.TB, c site.Catalogue) map[string][]byte {
	t.Helper()
	out, err := site.Files(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheSameCatalogueGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	a, other := files(t, fixture()), fixture()
	slices.Reverse(other.Apps)
	if !maps.EqualFunc(a, files(t, other), bytes.Equal) {
		t.Error("another order of the applications gives another site")
	}
}

// links are the addresses in a page.
var links = regexp.MustCompile(`\b(?:href|src)="([^"]*)"`)

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	all := files(t, fixture())
	all["app.schema.json"] = nil
	pages := 0
	for name, content := range all {
		if path.Ext(name) != ".html" {
			continue
		}
		pages++
		for _, m := range links.FindAllSubmatch(content, -1) {
			target, _, _ := strings.Cut(string(m[1]), "#")
			if target == "" || strings.HasPrefix(target, "https://") {
				continue
			}
			if _, ok := all[path.Join(path.Dir(name), target)]; !ok {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			}
		}
	}
	if want := 2 * (1 + len(fixture().Apps)); pages != want {
		t.Errorf("%d pages, want %d", pages, want)
	}
}

func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	t.Parallel()
	loads := regexp.MustCompile(`<(?:script|img|link rel="(?:stylesheet|icon)")[^>]*?(?:href|src)="([^"]*)"`)
	for name, content := range files(t, fixture()) {
		switch path.Ext(name) {
		case ".html":
			if !bytes.Contains(content, []byte(`content="default-src 'none';`)) {
				t.Errorf("%s has no policy", name)
			}
			for _, m := range loads.FindAllSubmatch(content, -1) {
				if bytes.Contains(m[1], []byte(":")) || bytes.HasPrefix(m[1], []byte("/")) {
					t.Errorf("%s loads %s", name, m[1])
				}
			}
		case ".css":
			if bytes.Contains(content, []byte("url(")) || bytes.Contains(content, []byte("@import")) {
				t.Errorf("%s loads something", name)
			}
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	all := files(t, fixture())
	for name, want := range map[string][]string{
		"index.html": {
			`<html lang="en">`, "6 applications", `data-name="nginx" data-categories="web" data-platforms="amd64 arm64"`, "182 MB", "A network for pods &lt;on&gt; Open &#34;Virtual&#34; Network",
		},
		"zh/index.html":     {`<html lang="zh-Hans">`, "6 个应用", `href="../assets/site.css"`, `href="../index.html" lang="en"`, `href="app/nginx.html"`},
		"app/nginx.html":    {"sealos run docker.io/<wbr>labring/<wbr>nginx:1.29.1</code>", "-e uninstall=true", `datetime="2026-11-20T04:05:06Z"`, "2 images", "docker.io/<wbr>bitnami/<wbr>git:2.51.0-debian-12-r0", "--set service.type=NodePort"},
		"app/minio.html":    {"-e ADMIN_EMAIL=VALUE", "generated at the first start", "A default storage class", "not recorded", "cluster-image images minio RELEASE.2024-08-03T04-33-23Z"},
		"app/helm.html":     {"It holds no container images.", "It has no variables.", "https://<wbr>"},
		"app/zz.html":       {"sealos run docker.io/<wbr>labring/<wbr>zz:VERSION", "Its recipe is a script", "applications/zz/README.md"},
		"app/kube-ovn.html": {"its images are built for amd64 alone", "sealos.io.type=patch"},
		"zh/app/minio.html": {"首次启动时生成", `href="../../app/minio.html"`},
		"zh/app/nginx.html": {"release 的名称", "further options of this recipe", "须知"},
	} {
		for _, w := range want {
			if !bytes.Contains(all[name], []byte(w)) {
				t.Errorf("%s has no %q", name, w)
			}
		}
	}
	if bytes.Contains(all["app/minio.html"], []byte("minio:2022.5.9")) || bytes.Contains(all["index.html"], []byte("55.0 MB")) {
		t.Error("a page begins with a version that another recipe is for")
	}
	if bytes.Contains(all["app/kube-ovn.html"], []byte("uninstall=true")) {
		t.Error("a recipe without uninstall is said to have one")
	}
	var c site.Catalogue
	if err := json.Unmarshal(all["catalogue.json"], &c); err != nil || len(c.Apps) != 6 || c.Apps[0].Name != "cert-manager" {
		t.Errorf("catalogue.json: %v, %d applications", err, len(c.Apps))
	}
}

// TestNotes: notes are shown with code and links to pages. Everything else in them stays text.
func TestNotes(t *testing.T) {
	t.Parallel()
	c := fixture()
	for text, want := range map[string]string{
		"It needs `cert-manager`, see [its\npage](https://cert-manager.io/docs?a=1&b=2).\n\n\nThen:\n\n    kubectl get pods\n      | less <x>\n": "<p>It needs <code>cert-manager</code>, see [its\npage](https://cert-manager.io/docs?a=1&amp;b=2).</p>\n<p>Then:</p>\n" +
			"<pre><code>kubectl get pods\n  | less &lt;x&gt;</code></pre>\n",
		"[Headlamp](https://headlamp.dev) goes on.":                                     `<p><a href="https://headlamp.dev">Headlamp</a> goes on.</p>`,
		"<script>alert(1)</script> `<b>` [a](javascript:alert(1)) ![x](http://x/y)":     "<p>&lt;script&gt;alert(1)&lt;/script&gt; <code>&lt;b&gt;</code> [a](javascript:alert(1)) ![x](http://x/y)</p>",
		"[<img src=x>](https://example.com/\"onclick=alert(1)) and `one\ntwo` **bold**": "<p>[&lt;img src=x&gt;](https://example.com/&#34;onclick=alert(1)) and `one\ntwo` **bold**</p>",
	} {
		c.Apps[0].Notes = text
		if got := string(files(t, c)["app/nginx.html"]); !strings.Contains(got, want) {
			at := strings.Index(got, `class="notes"`)
			t.Errorf("%s\nis shown as\n%.600s\nwant\n%s", text, got[max(at, 0):], want)
		}
	}
}

func write(t *testing.T, dir string, c site.Catalogue) error {
	t.Helper()
	_, err := site.Write(site.Options{Catalogue: c, Output: dir, Extra: map[string][]byte{"app.schema.json": []byte("{}")}})
	return err
}

func TestWriteTakesThePlaceOfAnEarlierSite(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "deep", "site")
	c := fixture()
	if err := write(t, dir, c); err != nil {
		t.Fatal(err)
	}
	c.Apps = c.Apps[1:]
	if err := write(t, dir, c); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "app", "nginx.html")); !os.IsNotExist(err) {
		t.Errorf("the page of an application that is gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "app.schema.json")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(parent, "deep")); err != nil || len(left) != 1 {
		t.Errorf("beside the site lies %v (%v)", left, err)
	}
}

func TestWriteRefusesWhatIsNotASite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := write(t, dir, fixture()); err != nil {
		t.Fatalf("an empty directory: %v", err)
	}
	mine := filepath.Join(dir, "app", "mine.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{dir, filepath.Dir(mine), mine} {
		err := write(t, output, fixture())
		if f := failure.Describe(err); f == nil || f.Class != failure.Usage || f.Advice == "" {
			t.Errorf("%s: %v", output, err)
		}
	}
	if b, err := os.ReadFile(mine); err != nil || string(b) != "mine" {
		t.Errorf("the foreign file: %q, %v", b, err)
	}
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(t, dir, fixture()); err == nil || !strings.Contains(err.Error(), "app/mine.txt") {
		t.Errorf("the error should name the file: %v", err)
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	keys := func(language string) []string {
		b, err := os.ReadFile("words/" + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(b, &words); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(words))
	}
	if en, zh := keys("en"), keys("zh"); !slices.Equal(en, zh) {
		t.Errorf("English has %v, Chinese %v", en, zh)
	}
}

func BenchmarkWrite(b *testing.B) {
	c, dir := many(231), filepath.Join(b.TempDir(), "site")
	b.ReportAllocs()
	for b.Loop() {
		s, err := site.Write(site.Options{Catalogue: c, Output: dir})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(s.Files), "files")
		b.ReportMetric(float64(s.Bytes)/1e6, "MB")
	}
}
