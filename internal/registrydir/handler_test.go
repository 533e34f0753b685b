package registrydir_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

// discard is a response that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func request(t testing.TB, method, url string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func ask(t testing.TB, h http.Handler, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t, method, url, headers...))
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(b)
}

func TestHandler(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	image := s.Image(registrydirtest.Docker, amd64, "0123456789")
	index := s.Index(registrydirtest.OCI, image)
	virtual := mustNew(t, []registrydir.Image{registrydirtest.As("x/y:1@"+index.Digest.String(), image, index)}, s)
	dir := t.TempDir()
	if err := virtual.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	onDisk, err := registrydir.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := func(h fmt.Stringer) string {
		for f := range virtual.Files() {
			if f.Blob.String() == h.String() {
				return readFile(t, f)
			}
		}
		t.Fatal(h)
		return ""
	}
	m, layer := image.Manifest.Digest, image.Blobs[1].Digest
	zero := "sha256:" + strings.Repeat("0", 64)
	tests := []struct {
		method, url string
		headers     []string
		status      int
		mediaType   string
		body        string
	}{
		{"GET", "/v2/", nil, 200, "application/json", "{}\n"},
		{"GET", "/v2", nil, 200, "application/json", "{}\n"},
		{"GET", "/v2/x/y/manifests/1", nil, 200, "application/vnd.docker.distribution.manifest.v2+json", text(m)},
		{"GET", "/v2/x/y/manifests/" + m.String(), nil, 200, "application/vnd.docker.distribution.manifest.v2+json", text(m)},
		{"HEAD", "/v2/x/y/manifests/1", nil, 200, "application/vnd.docker.distribution.manifest.v2+json", ""},
		{"GET", "/v2/x/y/manifests/" + index.Digest.String(), nil, 200, "application/vnd.oci.image.index.v1+json", text(index.Digest)},
		{"GET", "/v2/x/y/manifests/1", []string{"If-None-Match", `"` + m.String() + `"`}, 304, "", ""},
		{"GET", "/v2/x/y/blobs/" + layer.String(), nil, 200, "application/octet-stream", "0123456789"},
		{"HEAD", "/v2/x/y/blobs/" + layer.String(), nil, 200, "application/octet-stream", ""},
		{"GET", "/v2/x/y/blobs/" + layer.String(), []string{"Range", "bytes=3-5"}, 206, "application/octet-stream", "345"},
		{"GET", "/v2/x/y/blobs/" + layer.String(), []string{"Range", "bytes=8-"}, 206, "application/octet-stream", "89"},
		{"GET", "/v2/x/y/blobs/" + layer.String(), []string{"Range", "bytes=-1"}, 206, "application/octet-stream", "9"},
		{"GET", "/v2/x/y/blobs/" + layer.String(), []string{"Range", "bytes=10-"}, 416, "text/plain; charset=utf-8", "invalid range: failed to overlap\n"},
		{"GET", "/v2/x/y/tags/list", nil, 200, "application/json", `{"name":"x/y","tags":["1"]}` + "\n"},
		{"GET", "/v2/_catalog", nil, 200, "application/json", `{"repositories":["x/y"]}` + "\n"},
		{"GET", "/v2/x/z/tags/list", nil, 404, "application/json", errorBody("NAME_UNKNOWN", "repository name not known to registry")},
		{"GET", "/v2/x/y/manifests/2", nil, 404, "application/json", errorBody("MANIFEST_UNKNOWN", "manifest unknown")},
		{"GET", "/v2/x/z/manifests/1", nil, 404, "application/json", errorBody("MANIFEST_UNKNOWN", "manifest unknown")},
		{"GET", "/v2/x/y/manifests/" + zero, nil, 404, "application/json", errorBody("MANIFEST_UNKNOWN", "manifest unknown")},
		{"GET", "/v2/x/y/manifests/" + layer.String(), nil, 404, "application/json", errorBody("MANIFEST_UNKNOWN", "manifest unknown")},
		{"GET", "/v2/x/y/manifests/sha256:ab", nil, 400, "application/json", errorBody("DIGEST_INVALID", "wrong number of hex digits for sha256: ab")},
		{"GET", "/v2/x/y/blobs/" + zero, nil, 404, "application/json", errorBody("BLOB_UNKNOWN", "blob unknown to registry")},
		{"GET", "/v2/x/z/blobs/" + layer.String(), nil, 404, "application/json", errorBody("BLOB_UNKNOWN", "blob unknown to registry")},
		{"GET", "/v2/x/y/blobs/x", nil, 400, "application/json", errorBody("DIGEST_INVALID", `cannot parse hash: \"x\"`)},
		{"GET", "/v2/X/y/tags/list", nil, 404, "application/json", errorBody("NAME_INVALID", "invalid repository name")},
		{"GET", "/v2/x/../y/tags/list", nil, 404, "application/json", errorBody("NAME_INVALID", "invalid repository name")},
		{"GET", "/v2/x/y/referrers/" + m.String(), nil, 404, "application/json", errorBody("UNSUPPORTED", "no such resource")},
		{"GET", "/", nil, 404, "application/json", errorBody("NAME_UNKNOWN", "a registry answers below /v2/")},
		{"PUT", "/v2/x/y/manifests/1", nil, 405, "application/json", errorBody("UNSUPPORTED", "this registry can only be read")},
		{"POST", "/v2/x/y/blobs/uploads/", nil, 405, "application/json", errorBody("UNSUPPORTED", "this registry can only be read")},
		{"DELETE", "/v2/x/y/manifests/" + m.String(), nil, 405, "application/json", errorBody("UNSUPPORTED", "this registry can only be read")},
		{"GET", "/v2/_catalog?n=x", nil, 400, "application/json", errorBody("PAGINATION_NUMBER_INVALID", "invalid number of results requested")},
		{"GET", "/v2/x/y/tags/list?n=-1", nil, 400, "application/json", errorBody("PAGINATION_NUMBER_INVALID", "invalid number of results requested")},
	}
	for name, d := range map[string]*registrydir.Dir{"virtual": virtual, "on disk": onDisk} {
		h := registrydir.Handler(d)
		for _, tt := range tests {
			r, body := ask(t, h, tt.method, tt.url, tt.headers...)
			if tt.method == "HEAD" { // the recorder keeps what a server drops
				body = ""
			}
			if r.StatusCode != tt.status || r.Header.Get("Content-Type") != tt.mediaType || body != tt.body {
				t.Errorf("%s: %s %s %s: %d %s %q, want %d %s %q", name, tt.method, tt.url, tt.headers,
					r.StatusCode, r.Header.Get("Content-Type"), body, tt.status, tt.mediaType, tt.body)
			}
			if r.Header.Get("Docker-Distribution-Api-Version") != "registry/2.0" {
				t.Errorf("%s %s: no API version", tt.method, tt.url)
			}
		}
		r, _ := ask(t, h, "HEAD", "/v2/x/y/manifests/1")
		if r.Header.Get("Docker-Content-Digest") != m.String() || r.ContentLength != image.Manifest.Size {
			t.Errorf("%s: HEAD: %v", name, r.Header)
		}
	}
}

func errorBody(code, message string) string {
	return `{"errors":[{"code":"` + code + `","message":"` + message + `"}]}` + "\n"
}

// TestPages walks catalog and tags page by page.
func TestPages(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	image := s.Image(registrydirtest.OCI, amd64, "a")
	var images []registrydir.Image
	var names, tags []string
	for i := range 150 {
		names = append(names, fmt.Sprintf("r/n%03d", i))
		tags = append(tags, fmt.Sprintf("t%03d", i))
		images = append(images, registrydirtest.As("quay.io/"+names[i]+":1", image, nil), registrydirtest.As("quay.io/z/z:"+tags[i], image, nil))
	}
	names = append(names, "z/z")
	h := registrydir.Handler(mustNew(t, images, s))
	if got, pages := walk(t, h, "/v2/_catalog?n=50"); !slices.Equal(got, names) || pages != 4 {
		t.Errorf("%d pages: %q", pages, got)
	}
	if got, pages := walk(t, h, "/v2/_catalog"); !slices.Equal(got, names) || pages != 2 {
		t.Errorf("%d pages: %q", pages, got)
	}
	if got, pages := walk(t, h, "/v2/z/z/tags/list?n=75"); !slices.Equal(got, tags) || pages != 2 {
		t.Errorf("%d pages: %q", pages, got)
	}
	if got, pages := walk(t, h, "/v2/z/z/tags/list"); !slices.Equal(got, tags) || pages != 1 {
		t.Errorf("%d pages: %q", pages, got)
	}
	if got, _ := walk(t, h, "/v2/z/z/tags/list?last=t1479"); !slices.Equal(got, tags[148:]) {
		t.Errorf("%q", got)
	}
	if got, _ := walk(t, h, "/v2/_catalog?n=0"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func walk(t *testing.T, h http.Handler, url string) (all []string, pages int) {
	t.Helper()
	for url != "" {
		r, body := ask(t, h, "GET", url)
		var page struct{ Repositories, Tags []string }
		if err := json.Unmarshal([]byte(body), &page); err != nil || r.StatusCode != 200 {
			t.Fatal(r.Status, body, err)
		}
		all = append(append(all, page.Repositories...), page.Tags...)
		pages++
		url, _, _ = strings.Cut(strings.TrimPrefix(r.Header.Get("Link"), "<"), ">")
	}
	return all, pages
}

// TestHandlerBrokenContent keeps the machine's paths out of the answer.
func TestHandlerBrokenContent(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	image := s.Image(registrydirtest.OCI, amd64, "a")
	bad := s.Put("", []byte("<html>"))
	d := mustNew(t, []registrydir.Image{registrydirtest.As("x:1", image, nil), registrydirtest.As("x:2", registrydir.Image{Manifest: bad}, nil)}, registrydirtest.NewStore())
	h := registrydir.Handler(d)
	r, body := ask(t, h, "GET", "/v2/library/x/blobs/"+image.Blobs[0].Digest.String())
	if r.StatusCode != 404 || body != errorBody("BLOB_UNKNOWN", "the registry directory lacks this content") {
		t.Error(r.Status, body)
	}
	h = registrydir.Handler(mustNew(t, []registrydir.Image{registrydirtest.As("x:2", registrydir.Image{Manifest: bad}, nil)}, s))
	r, body = ask(t, h, "GET", "/v2/library/x/manifests/2")
	if r.StatusCode != 500 || body != errorBody("UNKNOWN", "the registry directory's content cannot be read") {
		t.Error(r.Status, body)
	}
}
