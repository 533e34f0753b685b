package publish_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sirupsen/logrus"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// TestMain silences distribution's registry, which logs each request.
func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard)
	m.Run()
}

// fault is what happens to requests that it fits, instead of or before the registry's answer.
type fault struct {
	fits func(*http.Request) bool
	// times is how often; negative is always.
	times int
	do    func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

// server is a registry with a script of faults and a memory of what it was asked.
type server struct {
	*httptest.Server
	next http.Handler

	mu     sync.Mutex
	faults []fault
	asked  []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	var hit *fault
	for i := range s.faults {
		if f := &s.faults[i]; f.times != 0 && f.fits(r) {
			f.times--
			hit = f
			break
		}
	}
	s.mu.Unlock()
	if hit != nil {
		hit.do(w, r, s.next)
		return
	}
	s.next.ServeHTTP(w, r)
}

func (s *server) script(faults ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// forget empties the memory of what was asked.
func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = nil
}

// count is how many requests begin with the method and hold the text.
func (s *server) count(method, text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.HasPrefix(a, method+" ") && strings.Contains(a, text) {
			n++
		}
	}
	return n
}

// uploads is how many uploads of blobs were ended, but for the two bytes that try for the right to push.
func (s *server) uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.HasPrefix(a, http.MethodPut) && strings.Contains(a, "/blobs/uploads/") && !strings.Contains(a, twoBytes) {
			n++
		}
	}
	return n
}

// twoBytes is the digest of {}.
const twoBytes = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

func (s *server) target(t *testing.T, name string) reference.Reference {
	t.Helper()
	ref, err := reference.Parse(strings.TrimPrefix(s.URL, "http://") + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func serve(t *testing.T, next http.Handler) *server {
	t.Helper()
	s := &server{next: next}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// simple is go-containerregistry's registry, which knows no mounts.
func simple(t *testing.T) *server {
	t.Helper()
	return serve(t, fake.New(fake.Logger(log.New(io.Discard, "", 0))))
}

// strict is distribution's registry, which refuses manifests whose parts are missing.
func strict(t *testing.T) *server {
	t.Helper()
	c := &configuration.Configuration{Storage: configuration.Storage{"inmemory": configuration.Parameters{}}}
	c.Log.Level, c.Log.AccessLog.Disabled = "fatal", true
	c.HTTP.Secret = "test"
	return serve(t, handlers.NewApp(t.Context(), c))
}

func both(t *testing.T, test func(t *testing.T, s *server)) {
	for name, make := range map[string]func(*testing.T) *server{"simple": simple, "strict": strict} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, make(t))
		})
	}
}

func is(method, text string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && strings.Contains(r.URL.RequestURI(), text) }
}

// answer gives a status and a code as registries do.
func answer(status int, code string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"scripted"}]}`, code)
	}
}

// cut breaks the connection when some bytes have come.
func cut(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.CopyN(io.Discard, r.Body, 100)
	panic(http.ErrAbortHandler)
}

// hasty is a clock that never waits.
type hasty struct{}

func (hasty) Now() time.Time                                     { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
func (hasty) Sleep(ctx context.Context, _ time.Duration) error   { return ctx.Err() }
func (hasty) AfterFunc(time.Duration, func()) (stop func() bool) { return func() bool { return true } }

func client(t *testing.T, o registry.Options) *registry.Client {
	t.Helper()
	o.Clock = hasty{}
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func digest(b []byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(b))}
}

func randomLayer(seed uint64, size int) assemble.Layer {
	var key [32]byte
	key[0] = byte(seed)
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(content)
	b := zipped(content)
	return assemble.Layer{
		Desc: v1.Descriptor{MediaType: types.OCILayer, Digest: digest(b), Size: int64(len(b))},
		Blob: digest([]byte{byte(seed)}),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

// zipped stores the bytes as gzip, without which a layer is compressed by whoever copies the image.
func zipped(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func content(t *testing.T, mt types.MediaType, v any) assemble.Content {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return assemble.Content{MediaType: mt, Digest: digest(b), Bytes: b}
}

// sample is an index for two platforms with a layer that both share. Another variant has the same layers and another configuration.
func sample(t *testing.T, variant string) assemble.Index {
	t.Helper()
	return sampleOf(t, variant, 300_000)
}

// sampleOf is a sample with layers of so many bytes.
func sampleOf(t *testing.T, variant string, size int) assemble.Index {
	t.Helper()
	shared := randomLayer(1, size)
	var images []assemble.Image
	for i, arch := range []string{"amd64", "arm64"} {
		layers := []assemble.Layer{shared, randomLayer(uint64(2+i), size)}
		config := content(t, types.OCIConfigJSON, v1.ConfigFile{OS: "linux", Architecture: arch, Author: variant})
		m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config.Descriptor()}
		for _, l := range layers {
			m.Layers = append(m.Layers, l.Desc)
		}
		images = append(images, assemble.Image{
			Platform: v1.Platform{OS: "linux", Architecture: arch}, Config: config, Manifest: content(t, types.OCIManifestSchema1, m), Layers: layers,
		})
	}
	x, err := assemble.NewIndex(images, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// sampleBlobs is how many blobs a sample has: three layers and two configurations.
const sampleBlobs = 5

// places remembers in memory what a store remembers on disk.
type places struct {
	mu    sync.Mutex
	repos map[string][]string
}

func (p *places) Placed(host string, d v1.Hash) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.repos[host+d.String()])
}

func (p *places) Place(host, repo string, d v1.Hash) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.repos == nil {
		p.repos = map[string][]string{}
	}
	p.repos[host+d.String()] = append(p.repos[host+d.String()], repo)
	return nil
}
