package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
)

// bench is a registry at https://reg.example behind faults, a client, and what both see.
type bench struct {
	net    *registrytest.Network
	faults *registrytest.Faults
	clock  *registrytest.Clock
	client *registry.Client
	repo   reference.Reference
}

func newBench(t *testing.T, o registry.Options) *bench {
	t.Helper()
	b := &bench{clock: registrytest.NewClock(), repo: reference.Reference{Host: "reg.example", Path: "a/b"}}
	b.faults = &registrytest.Faults{Next: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))}
	b.net = &registrytest.Network{Hosts: map[string]http.Handler{"https://reg.example": b.faults}}
	o.Transport, o.Clock = b.net, b.clock
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.client = c
	return b
}

// content makes n bytes that do not repeat soon.
func content(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func descriptor(b []byte) v1.Descriptor {
	return v1.Descriptor{Digest: registry.NewManifest("", b).Digest, Size: int64(len(b)), MediaType: types.OCILayer}
}

func opener(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// seed puts a blob and a manifest into the registry, past the faults.
func (b *bench) seed(t *testing.T, blob []byte) (v1.Descriptor, []byte) {
	t.Helper()
	faults := b.net.Hosts["https://reg.example"]
	b.net.Hosts["https://reg.example"] = b.faults.Next
	defer func() { b.net.Hosts["https://reg.example"] = faults }()
	d := descriptor(blob)
	other, err := registry.New(registry.Options{Transport: b.net, Clock: b.clock}) // what it learns of the host stays its own
	if err != nil {
		t.Fatal(err)
	}
	if err := other.PutBlob(t.Context(), b.repo, d, opener(blob), nil); err != nil {
		t.Fatal(err)
	}
	m := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		types.OCIManifestSchema1, types.OCIConfigJSON, d.Digest, d.Size)
	if _, err := other.PutManifest(t.Context(), b.repo, "v1", types.OCIManifestSchema1, m); err != nil {
		t.Fatal(err)
	}
	return d, m
}

func (b *bench) read(t *testing.T, d v1.Descriptor, offset, length int64) ([]byte, registry.Body, error) {
	t.Helper()
	body, err := b.client.Blob(t.Context(), b.repo, d, offset, length)
	if err != nil {
		return nil, body, err
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	return got, body, err
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	noon := registrytest.NewClock().Now()
	cases := []struct {
		name, header string
		least, most  time.Duration
	}{
		{"seconds", "7", 7 * time.Second, 7 * time.Second},
		{"date", noon.Add(20 * time.Second).Format(http.TimeFormat), 20 * time.Second, 20 * time.Second},
		{"absurd seconds", "1000000000", time.Minute, time.Minute},
		{"absurd date", noon.AddDate(90, 0, 0).Format(http.TimeFormat), time.Minute, time.Minute},
		{"past date", noon.Add(-time.Hour).Format(http.TimeFormat), 0, time.Second},
		{"negative", "-5", 0, time.Second},
		{"not a number", "soon", 0, time.Second},
		{"none", "", 0, time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{})
			_, m := b.seed(t, content(10))
			b.faults.On("GET", "manifests/v1", registrytest.Status(429, "Retry-After", c.header))
			got, err := b.client.Manifest(t.Context(), b.repo, "v1")
			if err != nil || !bytes.Equal(got.Bytes, m) {
				t.Fatalf("got %s, %v", got.Bytes, err)
			}
			if d := b.clock.Longest(); d < c.least || d > c.most {
				t.Errorf("slept %v, want %v to %v", b.clock.Slept(), c.least, c.most)
			}
		})
	}
}

func TestBurstOfServerErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	b.seed(t, content(10))
	for _, s := range []int{500, 502, 503, 504, 408} {
		b.faults.On("GET", "manifests/v1", registrytest.Status(s))
	}
	if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
		t.Fatal(err)
	}
	if n := len(b.clock.Slept()); n < 5 {
		t.Errorf("%d waits for 5 failures", n)
	}
}

func TestGivesUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	b.faults.On("GET", "manifests/v1", registrytest.Times(100, registrytest.Status(503))...)
	_, err := b.client.Manifest(t.Context(), b.repo, "v1")
	var e *registry.Error
	if !errors.As(err, &e) || e.Attempts != 6 || e.Status != 503 {
		t.Fatalf("got %v", err)
	}
	want := "reg.example/a/b: get manifest v1: 503 Service Unavailable, 6 tries"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if n := len(b.faults.Log("GET", "manifests/v1")); n != 6 {
		t.Errorf("%d requests", n)
	}
}

func TestRetryBudget(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Retries: 3})
	b.faults.On("GET", "", registrytest.Times(100, registrytest.Status(500))...)
	for range 3 {
		if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err == nil {
			t.Fatal("no error")
		}
	}
	if n := len(b.faults.Log("GET", "")); n != 3+3 {
		t.Errorf("%d requests for 3 calls and 3 retries", n)
	}
}

func TestPermanentErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	for status, sentinel := range map[int]error{404: registry.ErrNotFound, 403: registry.ErrDenied, 400: nil, 405: nil} {
		b := newBench(t, registry.Options{})
		b.faults.On("GET", "", registrytest.Times(9, registrytest.Status(status))...)
		_, err := b.client.Manifest(t.Context(), b.repo, "v1")
		if err == nil || sentinel != nil && !errors.Is(err, sentinel) {
			t.Errorf("%d: %v", status, err)
		}
		if n := len(b.faults.Log("GET", "")); n != 1 {
			t.Errorf("%d: %d requests", status, n)
		}
	}
}

func TestForeignTextInErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	body := `{"errors":[{"code":"DENIED","message":"a\u001b[31mb\r\n::set-output::` + strings.Repeat("x", 1000) + `"}]}`
	b.faults.On("GET", "", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(403)
		io.WriteString(w, body)
	})
	_, err := b.client.Manifest(t.Context(), b.repo, "v1")
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\r\n") || len(err.Error()) > 600 {
		t.Errorf("%q", err)
	}
}

func TestManifestLimitsAndDigest(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	huge := bytes.Repeat([]byte(" "), registry.ManifestLimit+1)
	cases := map[string]struct {
		fault registrytest.Fault
		what  string
		want  error
	}{
		"other bytes":          {registrytest.Bytes([]byte(`{"schemaVersion":2}`)), digest, registry.ErrCorrupt},
		"lying header":         {registrytest.Bytes([]byte(`{"schemaVersion":2}`), "Docker-Content-Digest", digest), digest, registry.ErrCorrupt},
		"oversized":            {registrytest.Bytes(huge), "v1", registry.ErrLimit},
		"oversized, announced": {registrytest.Bytes(huge, "Content-Length", "5000000"), "v1", registry.ErrLimit},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{})
			b.faults.On("GET", "", registrytest.Times(20, c.fault)...)
			if _, err := b.client.Manifest(t.Context(), b.repo, c.what); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestManifestBrokenOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, -1} {
		b := newBench(t, registry.Options{})
		_, m := b.seed(t, content(10))
		b.faults.On("GET", "", registrytest.Break(n))
		got, err := b.client.Manifest(t.Context(), b.repo, "v1")
		if err != nil || !bytes.Equal(got.Bytes, m) {
			t.Errorf("broken at %d: %v", n, err)
		}
	}
}

func TestHeadManifest(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	_, m := b.seed(t, content(10))
	d, err := b.client.HeadManifest(t.Context(), b.repo, "v1")
	if err != nil || d.Digest != registry.NewManifest("", m).Digest || d.Size != int64(len(m)) {
		t.Errorf("got %v, %v", d, err)
	}
	if _, err := b.client.HeadManifest(t.Context(), b.repo, "none"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestBlobRanges(t *testing.T) {
	t.Parallel()
	blob := content(1000)
	cases := map[string]struct {
		fault  registrytest.Fault
		offset int64
		want   error
	}{
		"honest":           {nil, 400, nil},
		"ignored":          {registrytest.NoRange(), 0, nil},
		"other place":      {registrytest.Header("Content-Range", "bytes 0-199/1000"), 0, registry.ErrRange},
		"other total":      {registrytest.Header("Content-Range", "bytes 400-599/2000"), 0, registry.ErrRange},
		"no content range": {registrytest.Header("Content-Range", ""), 0, registry.ErrRange},
		"shorter":          {registrytest.Change(func(b []byte) []byte { return b[:100] }), 0, registry.ErrCorrupt},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{})
			d, _ := b.seed(t, blob)
			if c.fault != nil {
				b.faults.On("GET", "blobs/", c.fault)
			}
			got, body, err := b.read(t, d, 400, 200)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (body.Offset != c.offset || !bytes.Equal(got, blob[body.Offset:body.Offset+body.Length])) {
				t.Errorf("offset %d, length %d, %d bytes", body.Offset, body.Length, len(got))
			}
		})
	}
}

func TestWholeBlobHasNoRange(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	d, _ := b.seed(t, content(100))
	if _, _, err := b.read(t, d, 0, 0); err != nil {
		t.Fatal(err)
	}
	if x := b.faults.Log("GET", "blobs/"); len(x) != 1 || x[0].Range != "" {
		t.Errorf("%+v", x)
	}
}

func TestReadBlob(t *testing.T) {
	t.Parallel()
	blob := content(1000)
	b := newBench(t, registry.Options{})
	d, _ := b.seed(t, blob)
	b.faults.On("GET", "blobs/", registrytest.Flip(), registrytest.Break(500), registrytest.Change(func(b []byte) []byte { return append(b, 0) }))
	got, err := b.client.ReadBlob(t.Context(), b.repo, d, 1000)
	if err != nil || !bytes.Equal(got, blob) {
		t.Fatal(err)
	}
	if _, err := b.client.ReadBlob(t.Context(), b.repo, d, 999); !errors.Is(err, registry.ErrLimit) {
		t.Errorf("got %v", err)
	}
}

// TestNothingIsEncodedOnTheWay has a server that compresses for everybody who does not refuse it, as HTTP allows.
func TestNothingIsEncodedOnTheWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	_, m := b.seed(t, content(10))
	b.faults.On("GET", "manifests/v1", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusOK)
			return
		}
		next.ServeHTTP(w, r)
	})
	if got, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil || !bytes.Equal(got.Bytes, m) {
		t.Errorf("%+v, %v", got, err)
	}
}

// trickle serves one byte and then waits for the request to end.
func trickle(started chan<- struct{}) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		close(started)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	_, m := b.seed(t, content(10))
	started := make(chan struct{})
	b.faults.On("GET", "manifests/v1", trickle(started))
	go func() {
		<-started
		b.clock.Advance(31 * time.Second)
	}()
	got, err := b.client.Manifest(t.Context(), b.repo, "v1")
	if err != nil || !bytes.Equal(got.Bytes, m) {
		t.Fatalf("a stalled request was not tried again: %v", err)
	}
}

func TestStallForGood(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Retries: 1})
	for range 2 {
		started := make(chan struct{})
		b.faults.On("GET", "manifests/v1", trickle(started))
		go func() {
			<-started
			b.clock.Advance(31 * time.Second)
		}()
	}
	if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); !errors.Is(err, registry.ErrStalled) {
		t.Fatalf("got %v", err)
	}
}

func TestCancelEndsWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	b.faults.On("GET", "", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		cancel()
		w.WriteHeader(503)
	})
	if _, err := b.client.Manifest(ctx, b.repo, "v1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(b.faults.Log("GET", "")); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestRateLimitWarning(t *testing.T) {
	t.Parallel()
	var warnings []string
	b := newBench(t, registry.Options{Warn: func(f string, a ...any) { warnings = append(warnings, fmt.Sprintf(f, a...)) }})
	b.seed(t, content(10))
	low := registrytest.Header("RateLimit-Limit", "100;w=21600", "RateLimit-Remaining", "9;w=21600")
	b.faults.On("GET", "", registrytest.Header("RateLimit-Limit", "100;w=21600", "RateLimit-Remaining", "50;w=21600"), low, low)
	for range 3 {
		if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
			t.Fatal(err)
		}
	}
	if len(warnings) != 1 || warnings[0] != "reg.example allows 9 more pulls of 100; log in or use a mirror for more" {
		t.Errorf("%q", warnings)
	}
}

func TestLimitsHalveAndComeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	b.seed(t, content(10))
	before, _ := b.client.Limits("reg.example")
	b.faults.On("GET", "", registrytest.Status(429, "Retry-After", "3"))
	if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
		t.Fatal(err)
	}
	if after, _ := b.client.Limits("reg.example"); after != before/2 {
		t.Errorf("limit %d after %d and a 429", after, before)
	}
}

func TestJobsIsTheCeiling(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Jobs: 2})
	if bulk, small := b.client.Limits("reg.example"); bulk != 2 || small != 2 {
		t.Errorf("%d, %d", bulk, small)
	}
	one, err := b.client.Lease(t.Context(), "reg.example")
	if err != nil {
		t.Fatal(err)
	}
	two, _ := b.client.Lease(t.Context(), "reg.example")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.client.Lease(ctx, "reg.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("a third turn: %v", err)
	}
	one.Release()
	two.Release()
	if l, err := b.client.Lease(t.Context(), "reg.example"); err != nil {
		t.Error(err)
	} else {
		l.Release()
	}
}

var _ authn.Keychain = keychain{}
