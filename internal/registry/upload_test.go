package registry_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
)

// has says whether the registry gives the blob back as it was sent.
func (b *bench) has(t *testing.T, blob []byte) bool {
	t.Helper()
	got, err := b.client.ReadBlob(t.Context(), b.repo, descriptor(blob), int64(len(blob)))
	return err == nil && bytes.Equal(got, blob)
}

// put uploads the blob and returns the sum of what the progress was told.
func (b *bench) put(t *testing.T, blob []byte) (int64, error) {
	t.Helper()
	var sum atomic.Int64
	err := b.client.PutBlob(t.Context(), b.repo, descriptor(blob), opener(blob), func(n int64) { sum.Add(n) })
	return sum.Load(), err
}

func TestPutBlob(t *testing.T) {
	t.Parallel()
	blob := content(100_000)
	cases := map[string]func(*registrytest.Faults){
		"plain":       func(f *registrytest.Faults) {},
		"empty retry": func(f *registrytest.Faults) { f.On("POST", "uploads/", registrytest.Status(503)) },
		"too many":    func(f *registrytest.Faults) { f.On("POST", "uploads/", registrytest.Status(429, "Retry-After", "2")) },
		"server error at end": func(f *registrytest.Faults) {
			f.On("PUT", "uploads/", registrytest.Status(500), registrytest.Status(502))
		},
		"reset":            func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Break(0), reset) },
		"session lost":     func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Status(404)) },
		"413, then chunks": func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Status(413)) },
		"405, then chunks": func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Status(405)) },
		"501, then chunks": func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Status(501)) },
		"chunk fails once": func(f *registrytest.Faults) {
			f.On("PUT", "uploads/", registrytest.Status(413)).On("PATCH", "", registrytest.Status(500))
		},
		"absolute location":     func(f *registrytest.Faults) { f.On("POST", "uploads/", absoluteLocation) },
		"location with a query": func(f *registrytest.Faults) { f.On("POST", "uploads/", queryLocation) },
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{})
			script(b.faults)
			big := blob
			if strings.Contains(name, "chunk") {
				big = content(2_000_000)
			}
			sum, err := b.put(t, big)
			if err != nil {
				t.Fatal(err)
			}
			if sum != int64(len(big)) {
				t.Errorf("progress says %d of %d bytes", sum, len(big))
			}
			if !b.has(t, big) {
				t.Error("the registry does not have the blob")
			}
		})
	}
}

func reset(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

func absoluteLocation(w http.ResponseWriter, r *http.Request, next http.Handler) {
	a := httptest.NewRecorder()
	next.ServeHTTP(a, r)
	w.Header().Set("Location", "https://reg.example"+a.Header().Get("Location"))
	w.WriteHeader(a.Code)
}

func queryLocation(w http.ResponseWriter, r *http.Request, next http.Handler) {
	a := httptest.NewRecorder()
	next.ServeHTTP(a, r)
	w.Header().Set("Location", a.Header().Get("Location")+"?_state=x%3D%3D")
	w.WriteHeader(a.Code)
}

func TestPutBlobFailsForGood(t *testing.T) {
	t.Parallel()
	cases := map[int]struct {
		want     error
		requests int
	}{401: {registry.ErrUnauthorized, 1}, 403: {registry.ErrDenied, 1}, 500: {nil, 6}}
	for status, c := range cases {
		b := newBench(t, registry.Options{})
		b.faults.On("POST", "", registrytest.Times(50, registrytest.Status(status))...)
		b.faults.On("PUT", "", registrytest.Times(50, registrytest.Status(status))...)
		sum, err := b.put(t, content(100))
		if err == nil || c.want != nil && !errors.Is(err, c.want) || sum != 0 {
			t.Errorf("%d: %v, progress %d", status, err, sum)
		}
		if n := len(b.faults.Log("POST", "")); n > c.requests*6 || c.requests == 1 && n != 1 {
			t.Errorf("%d: %d requests", status, n)
		}
	}
}

func TestPutBlobTooLargeEvenInChunks(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	b.faults.On("PUT", "uploads/", registrytest.Times(50, registrytest.Status(413))...)
	b.faults.On("PATCH", "uploads/", registrytest.Times(50, registrytest.Status(413))...)
	_, err := b.put(t, content(2_000_000))
	if !errors.Is(err, registry.ErrTooLarge) || !strings.HasSuffix(err.Error(), "limits the size of uploads") {
		t.Errorf("got %v", err)
	}
}

// TestRegistryThatRefusesChunks takes neither a whole blob nor chunks of it: the error says what was wrong with the whole.
func TestRegistryThatRefusesChunks(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 405, 416, 501} {
		b := newBench(t, registry.Options{})
		b.faults.On("PUT", "uploads/", registrytest.Times(50, registrytest.Status(413))...)
		b.faults.On("PATCH", "uploads/", registrytest.Times(50, registrytest.Status(status))...)
		sum, err := b.put(t, content(2_000_000))
		if !errors.Is(err, registry.ErrTooLarge) || !strings.Contains(err.Error(), "limits the size of uploads") || sum != 0 {
			t.Errorf("%d: progress %d, %v", status, sum, err)
		}
		if n := len(b.faults.Log("PATCH", "")); n > 3 {
			t.Errorf("%d: %d chunks were tried", status, n)
		}
	}
}

// TestRegistryThatTakesChunksOnly refuses whole blobs of any size.
func TestRegistryThatTakesChunksOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	whole := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.ContentLength > 0 {
			w.WriteHeader(405)
			return
		}
		next.ServeHTTP(w, r)
	}
	b.faults.On("PUT", "uploads/", registrytest.Times(50, whole)...)
	for _, size := range []int{5, 500_000, 3_000_000} {
		blob := content(size)
		if sum, err := b.put(t, blob); err != nil || sum != int64(size) || !b.has(t, blob) {
			t.Errorf("%d bytes: progress %d, %v", size, sum, err)
		}
	}
}

func TestPutBlobFromBrokenSource(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	mine := errors.New("the store is gone")
	err := b.client.PutBlob(t.Context(), b.repo, descriptor(content(10)), func() (io.ReadCloser, error) { return nil, mine }, nil)
	if !errors.Is(err, mine) || len(b.faults.Log("POST", "")) != 1 {
		t.Errorf("got %v after %d tries", err, len(b.faults.Log("POST", "")))
	}
}

func TestUploadElsewhereGetsNoCredentials(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Keychain: keychain{"reg.example"}})
	guarded(t, b, "https://auth.example/token", true)
	blob := content(100)
	got := []byte(nil)
	b.net.Hosts["https://storage.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.WriteHeader(201)
	})
	b.faults.On("POST", "uploads/", registrytest.Status(202, "Location", "https://storage.example/up?sig=1"))
	if _, err := b.put(t, blob); err != nil || !bytes.Equal(got, blob) {
		t.Fatal(err)
	}
	for _, x := range b.net.Log() {
		if x.Host == "storage.example" && x.Authorization != "" {
			t.Errorf("%s got credentials", x.URL)
		}
	}
	for _, to := range []string{"http://storage.example/up", "https://127.0.0.1/up", "https://169.254.169.254/"} {
		b.faults.On("POST", "uploads/", registrytest.Status(202, "Location", to))
		if _, err := b.put(t, blob); !errors.Is(err, registry.ErrUnsafe) {
			t.Errorf("upload to %s: %v", to, err)
		}
	}
}

func TestMount(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault registrytest.Fault
		want  bool
	}{
		"mounted":  {registrytest.Status(201), true},
		"session":  {registrytest.Status(202, "Location", "/v2/a/b/blobs/uploads/xyz"), false},
		"refused":  {registrytest.Status(405), false},
		"denied":   {registrytest.Status(403), false},
		"unknown":  {registrytest.Status(404), false},
		"too many": {registrytest.Status(429), true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{})
			b.faults.On("POST", "mount=", c.fault, registrytest.Status(201))
			got, err := b.client.Mount(t.Context(), b.repo, descriptor(content(10)).Digest, "other/repo")
			if err != nil || got != c.want {
				t.Errorf("got %v, %v", got, err)
			}
			if x := b.faults.Log("POST", "")[0].URL; !strings.Contains(x, "from=other%2Frepo") {
				t.Errorf("asked %s", x)
			}
			if n := len(b.faults.Log("DELETE", "uploads/xyz")); name == "session" && n != 1 {
				t.Errorf("%d cancels", n)
			}
		})
	}
}

func TestMountAsksForBothScopes(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	g := guarded(t, b, "https://auth.example/token", false)
	b.faults.On("POST", "mount=", registrytest.Status(201))
	if _, err := b.client.Mount(t.Context(), b.repo, descriptor(content(10)).Digest, "other/repo"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.scopes); got != "[repository:a/b:pull,push repository:other/repo:pull]" {
		t.Error(got)
	}
}

func TestPutManifestIsCompared(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	m := []byte(`{"schemaVersion":2}`)
	wrong := "sha256:" + strings.Repeat("0", 64)
	if _, err := b.client.PutManifest(t.Context(), b.repo, wrong, types.OCIManifestSchema1, m); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	b.faults.On("PUT", "manifests/", registrytest.Status(201, "Docker-Content-Digest", wrong))
	if _, err := b.client.PutManifest(t.Context(), b.repo, "v1", types.OCIManifestSchema1, m); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

// TestRealRegistries sends everything over real connections, plain and TLS, to two registries.
func TestRealRegistries(t *testing.T) {
	t.Parallel()
	config := &configuration.Configuration{Storage: configuration.Storage{"inmemory": nil, "maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}}}}
	config.Log.Level = "fatal"
	config.Catalog.MaxEntries = 10
	for name, h := range map[string]http.Handler{"distribution": handlers.NewApp(context.Background(), config), "ggcr": ggcr.New()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := httptest.NewServer(h)
			defer plain.Close()
			roundTrip(t, strings.TrimPrefix(plain.URL, "http://"))
		})
	}
}

func roundTrip(t *testing.T, host string) {
	t.Helper()
	c, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := &bench{client: c, repo: reference.Reference{Host: host, Path: "x/y"}}
	blob := content(3_000_000)
	if ok, err := c.HasBlob(t.Context(), b.repo, descriptor(blob).Digest); ok || err != nil {
		t.Fatalf("before: %v, %v", ok, err)
	}
	if sum, err := b.put(t, blob); err != nil || sum != int64(len(blob)) {
		t.Fatal(sum, err)
	}
	if ok, err := c.HasBlob(t.Context(), b.repo, descriptor(blob).Digest); !ok || err != nil {
		t.Errorf("after: %v, %v", ok, err)
	}
	got, body, err := b.read(t, descriptor(blob), 1_000_000, 500_000)
	if err != nil || body.Offset != 1_000_000 || !bytes.Equal(got, blob[1_000_000:1_500_000]) {
		t.Errorf("part: offset %d, %v", body.Offset, err)
	}
	other := reference.Reference{Host: host, Path: "other"}
	if _, err := c.Mount(t.Context(), other, descriptor(blob).Digest, "x/y"); err != nil {
		t.Errorf("mount: %v", err)
	}
	if _, err := c.Manifest(t.Context(), b.repo, "none"); !registry.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

func TestLoopbackWithTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(ggcr.New())
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "https://")
	c, err := registry.New(registry.Options{Transport: srv.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Manifest(t.Context(), reference.Reference{Host: host, Path: "a"}, "v1"); !registry.IsNotFound(err) {
		t.Errorf("a loopback registry with TLS: %v", err)
	}
	c, err = registry.New(registry.Options{Transport: srv.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeadManifest(t.Context(), reference.Reference{Host: host, Path: "a"}, "v1"); !registry.IsNotFound(err) {
		t.Errorf("a loopback registry with TLS that is asked without a body in the answer: %v", err)
	}
}

func TestUntrustedCertificateIsNotRetried(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(ggcr.New())
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "https://")
	clock := registrytest.NewClock()
	c, err := registry.New(registry.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Manifest(t.Context(), reference.Reference{Host: host, Path: "a"}, "v1")
	if err == nil || !strings.Contains(err.Error(), "certificate") || len(clock.Slept()) > 0 {
		t.Errorf("%d waits, %v", len(clock.Slept()), err)
	}
}

// failing fails every request.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestTLSTellsTheFlagAndIsNotRetried(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "--plain-http reg.example:5000"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "--ca FILE"},
	} {
		clock := registrytest.NewClock()
		client, err := registry.New(registry.Options{Transport: failing{c.err}, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Manifest(t.Context(), reference.Reference{Host: "reg.example:5000", Path: "a"}, "v1")
		if err == nil || !strings.Contains(err.Error(), c.want) || len(clock.Slept()) > 0 {
			t.Errorf("%d waits, %v; want %s", len(clock.Slept()), err, c.want)
		}
	}
}
