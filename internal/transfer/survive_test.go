package transfer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// one puts an image at reg.example/a:1 whose layer for amd64 has so many bytes, and returns that layer's place.
func (w *world) one(t *testing.T, size int) string {
	t.Helper()
	amd := image(t, "x", "amd64", size)
	w.push(t, "reg.example/a:1", index(entry{amd, linux("amd64")}, entry{image(t, "y", "arm64", 10), linux("arm64")}))
	return layerBlob(t, amd)
}

// ranges are the ranges that were asked for of a blob, in order.
func (w *world) ranges(host, blob string) []string {
	var out []string
	for _, x := range w.faults[host].Log("GET", blob) {
		out = append(out, x.Range)
	}
	return out
}

// TestResetAsksOnlyForTheRest breaks a blob off at byte 0, 1 and n-1: what has come is not asked for again.
func TestResetAsksOnlyForTheRest(t *testing.T) {
	t.Parallel()
	const size = 600_000
	for at, want := range map[int][]string{
		0: {"", ""}, 1: {"", "bytes=1-599999"}, size - 1: {"", "bytes=599999-599999"}, 300_000: {"", "bytes=300000-599999"},
	} {
		w := newWorld(t)
		blob := w.one(t, size)
		w.faults["reg.example"].On("GET", blob, registrytest.Break(at))
		p, err := run(t, w.transfer(t, transfer.Options{}), want1(t))
		if err != nil {
			t.Fatalf("broken at %d: %v", at, err)
		}
		w.complete(t, p)
		if got := w.ranges("reg.example", blob); !slices.Equal(got, want) {
			t.Errorf("broken at %d: asked for %q, want %q", at, got, want)
		}
	}
}

func want1(t *testing.T) []transfer.Request { return want(t, "reg.example/a:1") }

// TestRetriesOfOneBlobAreCapped has a registry that breaks off again and again, though each time some of the blob comes.
func TestRetriesOfOneBlobAreCapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	blob := w.one(t, 5_000_000)
	w.faults["reg.example"].On("GET", blob, registrytest.Times(100, registrytest.Break(70_000))...)
	alone := transfer.Options{HelpAfter: time.Hour}
	_, err := run(t, w.transfer(t, alone), want1(t))
	var failed *transfer.FetchError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "reg.example/a:1: ") || !strings.Contains(err.Error(), "broken off 30 times") {
		t.Errorf("got %v", err)
	}
	if n := len(w.ranges("reg.example", blob)); n != 30 {
		t.Errorf("%d requests", n)
	}
	// the next run goes on where this one gave up
	w.faults["reg.example"] = &registrytest.Faults{Next: w.faults["reg.example"].Next}
	w.net.Hosts["https://reg.example"] = w.faults["reg.example"]
	p, err := run(t, w.transfer(t, alone), want1(t))
	if err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
	if got := w.ranges("reg.example", blob); !slices.Equal(got, []string{"bytes=2100000-4999999"}) {
		t.Errorf("asked for %q", got)
	}
}

// TestRetriesOfAllBlobsAreCapped lets every blob of many images fail: the retries of all of them together are bounded,
// and every image is named.
func TestRetriesOfAllBlobsAreCapped(t *testing.T) {
	t.Parallel()
	const images, retries = 12, 20
	w := newWorld(t)
	var refs []string
	for i := range images {
		refs = append(refs, fmt.Sprintf("reg.example/image%d:1", i))
		w.push(t, refs[i], twoPlatforms(t, refs[i], 1000))
	}
	c, err := registry.New(registry.Options{Transport: w.net, Clock: w.clock, Retries: retries})
	if err != nil {
		t.Fatal(err)
	}
	tr := transfer.New(transfer.Options{Client: c, Store: w.store, Clock: w.clock})
	r, err := tr.Resolve(t.Context(), want(t, refs...))
	if err != nil {
		t.Fatal(err)
	}
	w.faults["reg.example"].On("GET", "blobs/", registrytest.Times(10_000, registrytest.Status(500))...)
	before := w.blobGets()
	err = tr.Fetch(t.Context(), tr.Plan(r), transfer.FetchOptions{})
	for _, ref := range refs {
		if err == nil || !strings.Contains(err.Error(), ref+": ") {
			t.Errorf("%s is not named: %v", ref, err)
		}
	}
	if n := w.blobGets() - before; n > 2*images+retries {
		t.Errorf("%d requests for %d blobs and %d retries", n, 2*images, retries)
	}
}

// TestTricklingBody serves a blob a byte a second. The request is given up after 30 seconds and the rest asked for
// anew; a registry that never does better ends in an error that says so and names the image.
func TestTricklingBody(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]int64{"once": 1, "for good": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blob := content("trickle", 200_000)
			desc := registry.NewManifest(types.OCILayer, blob).Descriptor()
			clock := registrytest.NewClock()
			var asked atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) > times {
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(blob)))
					return
				}
				var from int
				if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); n == 1 {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(blob)-1, len(blob)))
					w.Header().Set("Content-Length", fmt.Sprint(len(blob)-from))
					w.WriteHeader(http.StatusPartialContent)
				} else {
					w.Header().Set("Content-Length", fmt.Sprint(len(blob)))
				}
				for _, b := range blob[from : from+31] {
					w.Write([]byte{b})
					w.(http.Flusher).Flush()
					clock.Advance(time.Second)
				}
				<-r.Context().Done()
			}))
			t.Cleanup(srv.Close)
			s, err := store.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			c, err := registry.New(registry.Options{Clock: clock})
			if err != nil {
				t.Fatal(err)
			}
			source := reference.Reference{Host: strings.TrimPrefix(srv.URL, "http://"), Path: "a"}
			p := transfer.Plan{Blobs: []transfer.Blob{{Desc: desc, Sources: []reference.Reference{source}, Images: []string{"reg.example/a:1"}}}}
			err = transfer.New(transfer.Options{Client: c, Store: s, Clock: clock}).Fetch(t.Context(), p, transfer.FetchOptions{})
			switch {
			case times == 1:
				if got, bad := s.ReadAll(desc.Digest, desc.Size); err != nil || bad != nil || string(got) != string(blob) {
					t.Errorf("%v, %v", err, bad)
				}
			case !errors.Is(err, registry.ErrStalled) || !strings.Contains(err.Error(), "reg.example/a:1: "):
				t.Errorf("got %v", err)
			}
			if n := asked.Load(); n > 36 || n < 2 || times == 1 && n != 2 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// doorkeeper wants bearer tokens of a server on another host that wants a password, and forgets its tokens when told so.
type doorkeeper struct {
	next http.Handler

	mu     sync.Mutex
	valid  string
	issued int
}

const secret = "pa55w0rd"

func (d *doorkeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/token") {
		if _, pass, _ := r.BasicAuth(); pass != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		d.issued++
		d.valid = fmt.Sprint("t", d.issued)
		json.NewEncoder(w).Encode(map[string]any{"token": d.valid, "expires_in": 300})
		return
	}
	if d.valid == "" || r.Header.Get("Authorization") != "Bearer "+d.valid {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://auth.example/token",service="reg.example"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	d.next.ServeHTTP(w, r)
}

// forget makes a fault that expires the token while a blob is on its way.
func (d *doorkeeper) forget(n int) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		d.valid = ""
		registrytest.Break(n)(w, r, next)
	}
}

func guardedWorld(t *testing.T, hosts ...string) (*world, *doorkeeper, *transfer.Transfer) {
	w := newWorld(t, hosts...)
	d := &doorkeeper{next: w.faults["reg.example"]}
	w.net.Hosts["https://reg.example"], w.net.Hosts["https://auth.example"] = d, d
	c, err := registry.New(registry.Options{Transport: w.net, Clock: w.clock, Keychain: passwordFor("reg.example")})
	if err != nil {
		t.Fatal(err)
	}
	return w, d, transfer.New(transfer.Options{Client: c, Store: w.store, Clock: w.clock})
}

type passwordFor string

func (p passwordFor) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != string(p) {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: "me", Password: secret}, nil
}

// credentials lists every place that got an Authorization header, and its kind.
func (w *world) credentials() []string {
	var out []string
	for _, x := range w.net.Log() {
		kind, _, _ := strings.Cut(x.Authorization, " ")
		if to := x.Host + " " + kind; kind != "" && !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	slices.Sort(out)
	return out
}

// TestTokenExpiresInTheMiddle breaks a blob off and lets its token expire at the same moment, twice: each time one new
// token is had and the rest of the blob is asked for.
func TestTokenExpiresInTheMiddle(t *testing.T) {
	t.Parallel()
	w, d, tr := guardedWorld(t)
	blob := w.one(t, 600_000)
	r, err := tr.Resolve(t.Context(), want1(t))
	if err != nil {
		t.Fatal(err)
	}
	before := d.issued
	w.faults["reg.example"].On("GET", blob, d.forget(200_000), d.forget(200_000))
	p := tr.Plan(r)
	if err := tr.Fetch(t.Context(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
	if got := w.ranges("reg.example", blob); !slices.Equal(got, []string{"", "bytes=200000-599999", "bytes=400000-599999"}) {
		t.Errorf("asked for %q", got)
	}
	if d.issued-before != 2 {
		t.Errorf("%d new tokens for two that expired", d.issued-before)
	}
	if got := w.credentials(); !slices.Equal(got, []string{"auth.example Basic", "reg.example Bearer"}) {
		t.Errorf("credentials went to %q", got)
	}
}

// TestRedirectsOfBlobs leads a blob to storage, which breaks off in the middle, and to places where nobody may be led.
// Credentials go to the registry and its token server, and nowhere else.
func TestRedirectsOfBlobs(t *testing.T) {
	t.Parallel()
	const size = 600_000
	for to, safe := range map[string]bool{
		"https://storage.example/blob?signature=1": true, "http://storage.example/blob": false, "https://169.254.169.254/latest": false,
		"https://10.0.0.1/blob": false, "https://127.0.0.1:5000/blob": false, "file:///etc/passwd": false,
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			w, _, tr := guardedWorld(t, "storage.example")
			blob := w.one(t, size)
			storage := &registrytest.Faults{Next: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(string(content("xamd640", size))))
			})}
			storage.On("GET", "", registrytest.Break(250_000))
			for _, place := range []string{"https://storage.example", "http://storage.example", "https://169.254.169.254", "https://10.0.0.1", "https://127.0.0.1:5000"} {
				w.net.Hosts[place] = storage
			}
			w.faults["reg.example"].On("GET", blob, registrytest.Times(9, registrytest.Status(307, "Location", to))...)
			p, err := run(t, tr, want1(t))
			if safe {
				if err != nil {
					t.Fatal(err)
				}
				w.complete(t, p)
				if x := storage.Log("GET", ""); len(x) != 2 || x[1].Range != "bytes=250000-599999" {
					t.Errorf("storage was asked %+v", x)
				}
			} else if !errors.Is(err, registry.ErrUnsafe) || !strings.Contains(err.Error(), "reg.example/a:1: ") || len(storage.Log("GET", "")) > 0 {
				t.Errorf("%d requests, %v", len(storage.Log("GET", "")), err)
			}
			if got := w.credentials(); !slices.Equal(got, []string{"auth.example Basic", "reg.example Bearer"}) {
				t.Errorf("credentials went to %q", got)
			}
		})
	}
}

// TestDamagedPartIsNotTheMirrorsFault leaves wrong bytes of an earlier run: they are thrown away and the same source is
// asked again, since it may be the only one there is.
func TestDamagedPartIsNotTheMirrorsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mirror.example")
	amd := image(t, "x", "amd64", 600_000)
	idx := index(entry{amd, linux("amd64")}, entry{image(t, "y", "arm64", 10), linux("arm64")})
	w.push(t, "mirror.example/a:1", idx)
	r := want1(t)
	r[0].Sources = []reference.Reference{parse(t, "mirror.example/a:1"), r[0].Ref} // which has nothing
	tr := w.transfer(t, transfer.Options{})
	resolved, err := tr.Resolve(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	p := tr.Plan(resolved)
	half, err := w.store.Ingest(p.Blobs[0].Desc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := half.Write(make([]byte, 300_000)); err != nil {
		t.Fatal(err)
	}
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tr.Fetch(t.Context(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
}

// TestSmallBlobsDoNotWaitForLargeOnes looks at the order in which one connection is used: the largest first, but every
// fourth the smallest.
func TestSmallBlobsDoNotWaitForLargeOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.push(t, "reg.example/a:1", twoPlatforms(t, "order", 90_000, 80_000, 70_000, 2000, 1000))
	c, err := registry.New(registry.Options{Transport: w.net, Clock: w.clock, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	tr := transfer.New(transfer.Options{Client: c, Store: w.store, Clock: w.clock})
	r, err := tr.Resolve(t.Context(), want1(t))
	if err != nil {
		t.Fatal(err)
	}
	before := w.blobGets()
	p := tr.Plan(r)
	if err := tr.Fetch(t.Context(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, b := range p.Blobs {
		sizes["/v2/a/blobs/"+b.Desc.Digest.String()] = b.Desc.Size
	}
	var got []int64
	for _, x := range w.faults["reg.example"].Log("GET", "/blobs/")[before:] {
		got = append(got, sizes[x.URL])
	}
	if want := []int64{90_000, 90_000, 80_000, 1000, 80_000, 70_000, 70_000, 1000, 2000, 2000}; !slices.Equal(got, want) {
		t.Errorf("sizes in order %d, want %d", got, want)
	}
}

// TestDigestsThatTheStoreHasAskNothing resolves by digest what an earlier run stored: no request at all, so nothing of a
// rate limit is used up.
func TestDigestsThatTheStoreHasAskNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var refs []string
	for i := range 50 {
		idx := twoPlatforms(t, fmt.Sprint("digest", i), 100)
		tag := fmt.Sprintf("reg.example/image%d:1", i)
		w.push(t, tag, idx)
		d, _ := idx.Digest()
		refs = append(refs, strings.TrimSuffix(tag, ":1")+"@"+d.String())
	}
	if _, err := run(t, w.transfer(t, transfer.Options{}), want(t, refs...)); err != nil {
		t.Fatal(err)
	}
	before := w.requests()
	p, err := run(t, w.transfer(t, transfer.Options{}), want(t, refs...))
	if err != nil || p.Stored != p.Unique || w.requests() != before {
		t.Errorf("%d requests, %d of %d bytes stored, %v", w.requests()-before, p.Stored, p.Unique, err)
	}
}

// TestOneQueueForAllPlatforms counts the requests of a first run: each manifest and each blob once, whatever images and
// platforms share.
func TestOneQueueForAllPlatforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shared := func(n int) v1.ImageIndex {
		return index(entry{image(t, "same", "amd64", 5000, 4000), linux("amd64")}, entry{image(t, fmt.Sprint("own", n), "arm64", 3000), linux("arm64")})
	}
	var refs []string
	for n := range 10 {
		refs = append(refs, fmt.Sprintf("reg.example/image%d:1", n))
		w.push(t, refs[n], shared(n))
	}
	p, err := run(t, w.transfer(t, transfer.Options{}), want(t, refs...))
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]int{}
	for _, x := range w.faults["reg.example"].Log("GET", "/blobs/") {
		layers[x.URL[strings.LastIndex(x.URL, "/")+1:]]++
	}
	for _, b := range p.Blobs {
		if n := layers[b.Desc.Digest.String()]; n != 1 && b.Desc.Size >= 3000 {
			t.Errorf("a blob of %d bytes was asked for %d times", b.Desc.Size, n)
		}
	}
	if n := len(w.faults["reg.example"].Log("GET", "/manifests/")); n > 3*len(refs) {
		t.Errorf("%d requests for manifests of %d images", n, len(refs))
	}
}
