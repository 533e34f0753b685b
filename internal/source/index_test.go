package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/source"
)

// index is as helm writes it, with what has misled searches by line: versions that are prefixes or patterns of others, charts whose own version is
// another's application version, application versions that YAML takes for numbers, and a description that looks like an entry.
const index = `apiVersion: v1
entries:
  alpha:
  - apiVersion: v2
    appVersion: 9.9.9
    name: alpha
    version: 1.2.3
  nginx:
  - appVersion: 1.23.1
    version: 4.9.1
    urls:
    - nginx-4.9.1.tgz
  - appVersion: 1.23.1
    description: |
      text
      appVersion: 7.7.7
    digest: sha256:0123
    version: 4.10.1
    urls:
    - https://files.example.com/nginx-4.10.1.tgz
  - {appVersion: 1.23.1, version: 4.11.0-rc.1}
  - {appVersion: 1.23.1, version: not-semver}
  - {appVersion: 11.23.1, version: 9.0.0}
  - {appVersion: 1.23.10, version: 9.1.0}
  - {appVersion: 1.23.1-alpine, version: 9.2.0}
  - {appVersion: 1x23y1, version: 9.3.0}
  - {appVersion: 2.0.0, version: 1.23.1}
  - {appVersion: 1.10, version: 5.0.0}
  - {appVersion: v3.0.0, version: 6.0.0, urls: ["oci://registry.example.com/charts/nginx:6.0.0"]}
  - {appVersion: 3.1.0, version: 6.1.0}
  - {appVersion: v3.1.0, version: 6.0.9}
  - {appVersion: v4.0.0-rc.1, version: 7.0.0-rc.1}
  - {appVersion: v4.1.0, version: 7.1.0-rc.1}
  # a comment
  zeta:
  - appVersion: 1.23.1
    version: 99.0.0
generated: "2025-01-01T00:00:00Z"
`

func entries(t *testing.T) []source.Entry {
	t.Helper()
	e, err := source.DecodeIndex([]byte(index), "nginx")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for appVersion, want := range map[string]string{
		"1.23.1":      "4.10.1",     // by semver, not 4.9.1 by number; not the pre-release; not another chart's
		"v1.23.1":     "4.10.1",     // no entry has the v, so it is left out
		"11.23.1":     "9.0.0",      // not by a part of the text
		"1.23.10":     "9.1.0",      // nor by its beginning
		"1.10":        "5.0.0",      // a text, though YAML reads a number
		"3.0.0":       "6.0.0",      // with a v added
		"3.1.0":       "6.1.0",      // the very one before the one with a v
		"v3.1.0":      "6.0.9",      // and the other way round
		"v4.0.0-rc.1": "7.0.0-rc.1", // a pre-release that was asked for
		"4.0.0-rc.1":  "7.0.0-rc.1",
		"v4.1.0":      "7.1.0-rc.1", // the very version, which only a pre-release of the chart has
	} {
		e, err := source.Choose(entries(t), appVersion)
		if err != nil || e.Version != want {
			t.Errorf("%s: chart %q, %v, want %s", appVersion, e.Version, err, want)
		}
	}
}

// TestChooseBuilds holds that the tag of an image, in which a + is _, names the build.
func TestChooseBuilds(t *testing.T) {
	t.Parallel()
	all := []source.Entry{{Version: "1.0.0+up2", AppVersion: "v1.28.3+k3s1"}, {Version: "1.0.0+up1", AppVersion: "v1.28.3+k3s2"}}
	for _, asked := range []string{"v1.28.3_k3s2", "1.28.3_k3s2", "v1.28.3+k3s2"} {
		if e, err := source.Choose(all, asked); err != nil || e.Version != "1.0.0+up1" {
			t.Errorf("%s: %q, %v", asked, e.Version, err)
		}
	}
	if e, err := source.ChooseVersion(all, "v1.0.0_up1"); err != nil || e.Version != "1.0.0+up1" {
		t.Errorf("%q, %v", e.Version, err)
	}
}

func TestChooseErrors(t *testing.T) {
	t.Parallel()
	for appVersion, want := range map[string]string{
		"1.23":    "no chart for this application version: 1.23; the nearest are 1.23.1, 1.23.1-alpine, 1.23.10, 1.10, 2.0.0",
		"1.23.2":  "no chart for this application version: 1.23.2; the nearest are 1.23.1, 1.23.1-alpine, 1.23.10, 1.10, 2.0.0",
		"1.23.?":  "no chart for this application version: 1.23.?; the nearest are 11.23.1, v4.1.0, v4.0.0-rc.1, 3.1.0, v3.1.0",
		"4.9.1":   "no chart for this application version: 4.9.1 is a version of the chart; its application version is 1.23.1",
		"v4.10.1": "no chart for this application version: v4.10.1 is a version of the chart; its application version is 1.23.1",
		"4.1.0":   "no chart for this application version: 4.1.0; the nearest are v4.1.0, v4.0.0-rc.1, 3.1.0, v3.1.0, v3.0.0",
	} {
		if _, err := source.Choose(entries(t), appVersion); err == nil || err.Error() != want || !errors.Is(err, source.ErrNoVersion) {
			t.Errorf("%s:\n got %v\nwant %s", appVersion, err, want)
		}
	}
	if _, err := source.Choose(nil, "1"); err == nil || err.Error() != "no chart for this application version: 1; the index names no application versions" {
		t.Errorf("empty index: %v", err)
	}
}

func TestDecodeIndexForms(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"JSON":            `{"apiVersion":"v1","entries":{"nginx":[{"version":"1.0.0","appVersion":"2"}]}}`,
		"JSON as YAML":    "{apiVersion: v1, entries: {nginx: [{version: 1.0.0, appVersion: '2'}]}}",
		"indented lists":  "entries:\n    other:\n        - version: 3.0.0\n    nginx:\n        - version: 1.0.0\n          appVersion: 2\n",
		"CRLF":            "entries:\r\n  nginx:\r\n  - version: 1.0.0\r\n    appVersion: 2\r\n",
		"quoted key":      "entries:\n  \"nginx\":\n  - version: 1.0.0\n    appVersion: 2\n",
		"no newline":      "entries:\n  nginx:\n  - {version: 1.0.0, appVersion: 2}",
		"flow list":       "entries:\n  nginx: [{version: 1.0.0, appVersion: 2}]\n",
		"anchors":         "entries:\n  other:\n  - &a {version: 1.0.0, appVersion: 2}\n  nginx:\n  - *a\n",
		"entries in text": "about: |\n  entries:\n    nginx:\n    - {version: 9.0.0}\nentries:\n  nginx:\n  - {version: 1.0.0, appVersion: 2}\n",
	} {
		e, err := source.DecodeIndex([]byte(text), "nginx")
		if err != nil || len(e) != 1 || e[0].Version != "1.0.0" || e[0].AppVersion != "2" {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestDecodeIndexErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                    "download failed: it is no index but a page or nothing",
		"<!DOCTYPE html><p>":  "download failed: it is no index but a page or nothing",
		"entries: [":          "download failed: decode: yaml: line 1: did not find expected node content",
		index:                 `no such chart: "ngin"; there are nginx`,
		"entries: {}\n":       `no such chart: "ngin"`,
		`{"entries":{}}`:      `no such chart: "ngin"`,
		"entries:\n  ngin:\n": `no such chart: "ngin" has no version`,
		"entries: []\n":       "download failed: decode: yaml: unmarshal errors: line 1: cannot unmarshal !!seq here",
		"[]":                  "download failed: decode: yaml: unmarshal errors: line 1: cannot unmarshal !!seq here",
		"entries:\n  ngin:\n  - {version: 1, urls: a}\n  - {version: [1]}\n": "download failed: decode: yaml: unmarshal errors: line 3: cannot unmarshal !!str `a` here line 4: cannot unmarshal !!seq here",
		"entries:\n  nginx-x:\n  - a: b\n":                                   `no such chart: "ngin"; there are nginx-x`,
	} {
		if _, err := source.DecodeIndex([]byte(text), "ngin"); err == nil || err.Error() != want {
			t.Errorf("%.20q: error %v, want %s", text, err, want)
		}
	}
}

// FuzzDecodeIndex holds that any text ends in versions or an error.
func FuzzDecodeIndex(f *testing.F) {
	f.Add(index, "nginx")
	f.Add("entries:\n  a:\n  - version: 1\n", "a")
	f.Add("{\"entries\":{}}", "a")
	f.Add("entries:\n a: &x\n - *x\n", "a")
	f.Fuzz(func(t *testing.T, text, chart string) {
		got, err := source.DecodeIndex([]byte(text), chart)
		if err == nil && len(got) == 0 {
			t.Errorf("%q: neither versions nor an error", text)
		}
		_, _ = source.Choose(got, chart)
	})
}

// repository serves answers one after another, the last again and again.
func repository(t *testing.T, answers ...http.HandlerFunc) string {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/charts/index.yaml" {
			http.NotFound(w, r)
			return
		}
		answers[min(int(n.Add(1)), len(answers))-1](w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/charts"
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("entries:\n"))
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	_, err := gz.Write([]byte(text))
	if err := errors.Join(err, gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hasty is a client that does not wait between attempts and counts how often it should have.
func hasty(waits *int) *source.Client {
	return &source.Client{Wait: func(context.Context, time.Duration) error { *waits++; return nil }}
}

func TestFindChart(t *testing.T) {
	t.Parallel()
	busy, ok := answer(http.StatusServiceUnavailable, ""), answer(http.StatusOK, index)
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		waits   int
	}{
		"at once":   {[]http.HandlerFunc{ok}, 0},
		"packed":    {[]http.HandlerFunc{answer(http.StatusOK, packed(t, index))}, 0},
		"busy":      {[]http.HandlerFunc{busy, answer(http.StatusTooManyRequests, ""), ok}, 2},
		"cut short": {[]http.HandlerFunc{cutShort, ok}, 1},
	} {
		waits := 0
		repo := repository(t, c.answers...)
		got, err := hasty(&waits).FindChart(t.Context(), source.Query{Repository: repo, Chart: "nginx", AppVersion: "1.23.1"})
		want := source.Chart{Name: "nginx", Version: "4.10.1", AppVersion: "1.23.1", URL: "https://files.example.com/nginx-4.10.1.tgz", Digest: "0123"}
		if err != nil || got != want || waits != c.waits {
			t.Errorf("%s: %+v, %v after %d waits", name, got, err, waits)
		}
	}
}

func TestFindChartAddresses(t *testing.T) {
	t.Parallel()
	repo := repository(t, answer(http.StatusOK, strings.Replace(index, "version: 4.10.1", "version: 4.8.0", 1)))
	for appVersion, want := range map[string]string{"1.23.1": repo + "/nginx-4.9.1.tgz", "3.0.0": "oci://registry.example.com/charts/nginx:6.0.0", "2.0.0": ""} {
		for _, r := range []string{repo, repo + "/"} {
			got, err := source.FindChart(t.Context(), source.Query{Repository: r, Chart: "nginx", AppVersion: appVersion})
			if err != nil || got.URL != want {
				t.Errorf("%s: %q, %v, want %s", appVersion, got.URL, err, want)
			}
		}
	}
}

func TestFindChartErrors(t *testing.T) {
	t.Parallel()
	gone, busy := repository(t, answer(http.StatusNotFound, "")), repository(t, answer(http.StatusBadGateway, ""))
	away := repository(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/index.yaml", http.StatusFound)
	})
	good := repository(t, answer(http.StatusOK, index))
	secret := strings.Replace(good, "http://", "http://user:hidden@", 1)
	const noTLS = "without TLS anybody on the way can change it: use https, or allow it with RECIPE_PLAIN_HTTP="
	for name, c := range map[string]struct{ repo, chart, want string }{
		"not found":       {gone, "nginx", "fetch chart index: download failed: " + gone + "/index.yaml: the server answered 404 Not Found"},
		"busy for ever":   {busy, "nginx", "fetch chart index: download failed: " + busy + "/index.yaml: the server answered 502 Bad Gateway (4 tries)"},
		"plain http":      {"http://charts.example.com/x", "nginx", "fetch chart index: download failed: http://charts.example.com/x/index.yaml: " + noTLS + "charts.example.com"},
		"redirect":        {away, "nginx", "fetch chart index: download failed: " + away + "/index.yaml: download failed: http://192.0.2.1/index.yaml: " + noTLS + "192.0.2.1"},
		"another scheme":  {"file:///etc", "nginx", `fetch chart index: download failed: "file:///etc/index.yaml" is no address: want https://HOST/PATH`},
		"registry":        {"oci://registry.example.com/charts", "nginx", "download failed: oci://registry.example.com/charts: a registry has no index of charts: helm pull oci://registry.example.com/charts/nginx --version takes its chart version"},
		"no chart":        {good, "nginx-ingress", "chart index " + good + `/index.yaml: no such chart: "nginx-ingress"; there are nginx`},
		"no version":      {secret, "nginx", "chart nginx in " + strings.Replace(secret, "hidden", "xxxxx", 1) + ": no chart for this application version: 8; the nearest are 11.23.1, v4.0.0-rc.1, v4.1.0, v3.0.0, 3.1.0"},
		"nothing":         {"", "nginx", `incomplete question: a repository, a chart and an application version are wanted, not "", "nginx" and "8"`},
		"page":            {repository(t, answer(http.StatusOK, "<html>")), "nginx", ""},
		"too large":       {repository(t, large(t)), "nginx", ""},
		"broken transfer": {repository(t, cutShort), "nginx", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waits := 0
			_, err := hasty(&waits).FindChart(t.Context(), source.Query{Repository: c.repo, Chart: c.chart, AppVersion: "8"})
			if err == nil || c.want != "" && err.Error() != c.want || strings.Contains(err.Error(), "hidden") {
				t.Errorf("error\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

// large is a small packed index that is huge unpacked: the same packed lines again and again, which gzip allows.
func large(t *testing.T) http.HandlerFunc {
	t.Helper()
	return answer(http.StatusOK, strings.Repeat(packed(t, strings.Repeat("# filling\n", 1<<20)), 14))
}

func TestCancelledQuestion(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	repo := repository(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := source.FindChart(ctx, source.Query{Repository: repo, Chart: "nginx", AppVersion: "1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkDecodeIndex looks one chart up in an index of 25 MB.
func BenchmarkDecodeIndex(b *testing.B) {
	var text strings.Builder
	text.WriteString("apiVersion: v1\nentries:\n")
	for chart := range 100 {
		fmt.Fprintf(&text, "  chart-%d:\n", chart)
		for v := range 500 {
			fmt.Fprintf(&text, "  - apiVersion: v2\n    appVersion: 1.%d.%d\n    description: %s\n    version: 2.%d.%d\n    urls:\n    - https://example.com/c-%d.tgz\n", chart, v, strings.Repeat("word ", 80), chart, v, v)
		}
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if e, err := source.DecodeIndex([]byte(text.String()), "chart-50"); err != nil || len(e) != 500 {
			b.Fatal(len(e), err)
		}
	}
}

// TestPlainHTTPByName asks a host without TLS that was named; its name leads to the test's server, as behind a proxy.
func TestPlainHTTPByName(t *testing.T) {
	t.Parallel()
	repo := repository(t, answer(http.StatusOK, index))
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse(repo) }
	c := &source.Client{HTTP: &http.Client{Transport: &http.Transport{Proxy: proxy}}, PlainHTTP: []string{"charts.example.com"}}
	q := source.Query{Repository: "http://charts.example.com/charts", Chart: "nginx", AppVersion: "1.23.1"}
	if got, err := c.FindChart(t.Context(), q); err != nil || got.Version != "4.10.1" {
		t.Errorf("%+v, %v", got, err)
	}
	c.PlainHTTP = []string{"charts.example.com:8080", "example.com"}
	if _, err := c.FindChart(t.Context(), q); !errors.Is(err, source.ErrSource) {
		t.Errorf("a host that was not named: %v", err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ repo, address, want string }{
		{"https://x.y/charts", "dl/a.tgz?raw=1", "https://x.y/charts/dl/a.tgz?raw=1"},
		{"https://x.y/charts/?token=t", "dl/a.tgz", "https://x.y/charts/dl/a.tgz?token=t"},
		{"https://x.y/charts?token=t", "/a.tgz", "https://x.y/a.tgz?token=t"},
		{"https://x.y/charts?token=t", "https://z.y/a.tgz", "https://z.y/a.tgz"},
		{"https://x.y/charts?token=t", "//z.y/a.tgz", "https://z.y/a.tgz"},
		{"https://x.y", "oci://z.y/a:1", "oci://z.y/a:1"},
	} {
		if got := source.Resolve(c.repo, c.address); got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.address, c.repo, got, c.want)
		}
	}
}
