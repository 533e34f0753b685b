package transfer_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

var both = []string{"linux/amd64", "linux/arm64"}

// world is a network of registries, a store, and a transfer between them.
type world struct {
	net    *registrytest.Network
	clock  *registrytest.Clock
	store  *store.Store
	faults map[string]*registrytest.Faults
}

func newWorld(t testing.TB, hosts ...string) *world {
	t.Helper()
	w := &world{net: &registrytest.Network{Hosts: map[string]http.Handler{}}, clock: registrytest.NewClock(), faults: map[string]*registrytest.Faults{}}
	for _, h := range append(hosts, "reg.example") {
		w.faults[h] = &registrytest.Faults{Next: newRegistry()}
		w.net.Hosts["https://"+h] = w.faults[h]
	}
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.store = s
	return w
}

// newRegistry says that it gives parts of blobs, as most registries do.
func newRegistry() http.Handler {
	r := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.Contains(q.URL.Path, "/blobs/") {
			w.Header().Set("Accept-Ranges", "bytes")
		}
		r.ServeHTTP(w, q)
	})
}

// transfer makes a transfer with a client of its own.
func (w *world) transfer(t testing.TB, o transfer.Options) *transfer.Transfer {
	t.Helper()
	c, err := registry.New(registry.Options{Transport: w.net, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	o.Client, o.Store, o.Clock = c, w.store, w.clock
	return transfer.New(o)
}

func parse(t testing.TB, s string) reference.Reference {
	t.Helper()
	r, err := reference.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t testing.TB, refs ...string) []transfer.Request {
	t.Helper()
	var out []transfer.Request
	for _, r := range refs {
		out = append(out, transfer.Request{Ref: parse(t, r), Platforms: both})
	}
	return out
}

// content makes n bytes that depend on the seed.
func content(seed string, n int) []byte {
	b := make([]byte, n)
	x := uint32(len(seed))
	for _, c := range seed {
		x = x*31 + uint32(c)
	}
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// image has layers of the sizes.
func image(t testing.TB, seed, arch string, sizes ...int) v1.Image {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for i, n := range sizes {
		var err error
		if img, err = mutate.AppendLayers(img, static.NewLayer(content(fmt.Sprint(seed, arch, i), n), types.OCILayer)); err != nil {
			t.Fatal(err)
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

type entry struct {
	image    v1.Image
	platform *v1.Platform
}

func index(entries ...entry) v1.ImageIndex {
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, e := range entries {
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: e.image, Descriptor: v1.Descriptor{Platform: e.platform}})
	}
	return idx
}

func linux(arch string) *v1.Platform { return &v1.Platform{OS: "linux", Architecture: arch} }

// twoPlatforms is an index for amd64 and arm64.
func twoPlatforms(t testing.TB, seed string, sizes ...int) v1.ImageIndex {
	t.Helper()
	return index(entry{image(t, seed, "amd64", sizes...), linux("amd64")}, entry{image(t, seed, "arm64", sizes...), linux("arm64")})
}

// push stores an image or index past the faults.
func (w *world) push(t testing.TB, ref string, what remote.Taggable) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	host := r.Context().RegistryStr()
	direct := &registrytest.Network{Hosts: map[string]http.Handler{"https://" + host: w.faults[host].Next}}
	if idx, ok := what.(v1.ImageIndex); ok {
		err = remote.WriteIndex(r, idx, remote.WithTransport(direct))
	} else {
		err = remote.Write(r, what.(v1.Image), remote.WithTransport(direct))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run resolves, plans and fetches.
func run(t testing.TB, tr *transfer.Transfer, requests []transfer.Request) (transfer.Plan, error) {
	t.Helper()
	r, err := tr.Resolve(t.Context(), requests)
	if err != nil {
		return transfer.Plan{}, err
	}
	p := tr.Plan(r)
	return p, tr.Fetch(t.Context(), p, transfer.FetchOptions{})
}

// complete makes sure that the store has every blob of the plan, with the right bytes.
func (w *world) complete(t testing.TB, p transfer.Plan) {
	t.Helper()
	if len(p.Blobs) == 0 {
		t.Error("the plan is empty")
	}
	for _, b := range p.Blobs {
		r, err := w.store.Open(b.Desc.Digest)
		if err != nil {
			t.Error(err)
			continue
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != b.Desc.Size {
			t.Errorf("%s: %d of %d bytes, %v", b.Desc.Digest, n, b.Desc.Size, err)
		}
		r.Close()
	}
}

// blobGets counts the requests for blobs at all hosts.
func (w *world) blobGets() (n int) {
	for _, f := range w.faults {
		n += len(f.Log("GET", "/blobs/"))
	}
	return n
}

func (w *world) requests() int { return len(w.net.Log()) }
