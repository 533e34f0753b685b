package transfer_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// layerBlob is the part of a URL by which the one layer of these tests is found.
func layerBlob(t *testing.T, i v1.Image) string {
	t.Helper()
	layers, err := i.Layers()
	if err != nil {
		t.Fatal(err)
	}
	d, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	return "blobs/" + d.String()
}

func TestFetchThroughFaults(t *testing.T) {
	t.Parallel()
	const size = 600_000
	truncate := registrytest.Change(func(b []byte) []byte { return b[:len(b)/2] })
	oversize := registrytest.Change(func(b []byte) []byte { return append(b, "more"...) })
	other := registrytest.Bytes([]byte("<html>log in</html>"))
	cases := map[string][]registrytest.Fault{
		"none":                     nil,
		"429":                      {registrytest.Status(429, "Retry-After", "3")},
		"503 burst":                registrytest.Times(5, registrytest.Status(503)),
		"reset at 0":               {registrytest.Break(0)},
		"reset at 1":               {registrytest.Break(1)},
		"reset at n-1":             {registrytest.Break(-1)},
		"reset again and again":    registrytest.Times(4, registrytest.Break(100_000)),
		"truncated":                {truncate},
		"oversized":                {oversize},
		"truncated, no length":     {registrytest.Unannounced(func(b []byte) []byte { return b[:len(b)/2] })},
		"oversized, no length":     {registrytest.Unannounced(func(b []byte) []byte { return append(b, "more"...) })},
		"empty":                    {registrytest.Change(func([]byte) []byte { return nil })},
		"another page":             {other},
		"wrong bytes once":         {registrytest.Flip()},
		"range ignored":            {registrytest.Break(300_000), registrytest.NoRange()},
		"lying content range":      {registrytest.Break(300_000), registrytest.Header("Content-Range", "bytes 0-299999/600000")},
		"lying about the total":    {registrytest.Break(300_000), registrytest.Header("Content-Range", "bytes 300000-599999/900000")},
		"no content range":         {registrytest.Break(300_000), registrytest.Header("Content-Range", "")},
		"wrong bytes in the range": {registrytest.Break(300_000), registrytest.Flip()},
		"ranges refused":           {registrytest.Break(300_000), registrytest.Status(501)},
		"ranges not satisfiable":   {registrytest.Break(300_000), registrytest.Status(416)},
	}
	for name, faults := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			amd := image(t, "x", "amd64", size)
			w.push(t, "reg.example/a:1", index(entry{amd, linux("amd64")}, entry{image(t, "y", "arm64", 10), linux("arm64")}))
			w.faults["reg.example"].On("GET", layerBlob(t, amd), faults...)
			p, err := run(t, w.transfer(t, transfer.Options{}), want(t, "reg.example/a:1"))
			if err != nil {
				t.Fatal(err)
			}
			w.complete(t, p)
		})
	}
}

func TestWrongBytesTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	amd := image(t, "x", "amd64", 1000)
	w.push(t, "reg.example/a:1", index(entry{amd, linux("amd64")}, entry{image(t, "y", "arm64", 10), linux("arm64")}))
	w.faults["reg.example"].On("GET", layerBlob(t, amd), registrytest.Times(9, registrytest.Flip())...)
	_, err := run(t, w.transfer(t, transfer.Options{}), want(t, "reg.example/a:1"))
	if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "reg.example/a:1") {
		t.Errorf("got %v", err)
	}
	if n := len(w.faults["reg.example"].Log("GET", layerBlob(t, amd))); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestSplitBlobs(t *testing.T) {
	t.Parallel()
	const size = 9 << 20
	cases := map[string][]registrytest.Fault{
		"honest":         nil,
		"ranges ignored": {nil, registrytest.NoRange(), registrytest.NoRange(), registrytest.NoRange()},
		"ranges lie":     {nil, registrytest.Header("Content-Range", "bytes 0-1/2"), registrytest.Header("Content-Range", "x")},
		"broken":         {registrytest.Break(700_000), registrytest.Break(700_000), registrytest.Break(100_000), registrytest.Break(0)},
	}
	for name, faults := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			amd := image(t, "x", "amd64", size)
			w.push(t, "reg.example/a:1", index(entry{amd, linux("amd64")}, entry{image(t, "y", "arm64", 10), linux("arm64")}))
			for i, f := range faults {
				if f == nil {
					faults[i] = func(rw rwriter, r request, next handler) { next.ServeHTTP(rw, r) }
				}
			}
			w.faults["reg.example"].On("GET", layerBlob(t, amd), faults...)
			p, err := run(t, w.transfer(t, transfer.Options{HelpAfter: -1}), want(t, "reg.example/a:1"))
			if err != nil {
				t.Fatal(err)
			}
			w.complete(t, p)
			if _, ok := w.store.Layer(p.Blobs[0].Desc.Digest); !ok {
				t.Error("the layer was not computed on the way")
			}
		})
	}
}

func TestSummaryNamesEveryImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, n := range []string{"a", "b", "c"} {
		amd := image(t, n, "amd64", 1000)
		w.push(t, "reg.example/"+n+":1", index(entry{amd, linux("amd64")}, entry{image(t, n, "arm64", 1000), linux("arm64")}))
		if n != "b" {
			w.faults["reg.example"].On("GET", layerBlob(t, amd), registrytest.Times(9, registrytest.Status(404))...)
		}
	}
	p, err := run(t, w.transfer(t, transfer.Options{}), want(t, "reg.example/a:1", "reg.example/b:1", "reg.example/c:1"))
	var failed *transfer.FetchError
	if !errors.As(err, &failed) || len(failed.Failed) != 2 {
		t.Fatalf("got %v", err)
	}
	if s := err.Error(); !strings.Contains(s, "reg.example/a:1: ") || !strings.Contains(s, "reg.example/c:1: ") || strings.Contains(s, "/b:1") {
		t.Error(s)
	}
	have := 0
	for _, b := range p.Blobs {
		if _, ok := w.store.Has(b.Desc.Digest); ok {
			have++
		}
	}
	if have != len(p.Blobs)-2 {
		t.Errorf("%d of %d blobs came", have, len(p.Blobs))
	}
}

func TestMirrors(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*registrytest.Faults){
		"lacks the image": func(f *registrytest.Faults) { f.On("GET", "", registrytest.Times(99, registrytest.Status(404))...) },
		"wants a login":   func(f *registrytest.Faults) { f.On("GET", "", registrytest.Times(99, registrytest.Status(401))...) },
		"is broken":       func(f *registrytest.Faults) { f.On("GET", "", registrytest.Times(99, registrytest.Status(500))...) },
		"lacks the blobs": func(f *registrytest.Faults) {
			f.On("GET", "blobs/", registrytest.Times(99, registrytest.Status(404))...)
		},
		"has wrong bytes": func(f *registrytest.Faults) { f.On("GET", "blobs/", registrytest.Times(99, registrytest.Flip())...) },
		"lacks the config": func(f *registrytest.Faults) {
			f.On("GET", "blobs/", registrytest.Status(404), registrytest.Status(404))
		},
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "mirror.example")
			w.push(t, "reg.example/a:1", twoPlatforms(t, "a", 1000))
			w.push(t, "mirror.example/a:1", twoPlatforms(t, "a", 1000))
			script(w.faults["mirror.example"])
			r := want(t, "reg.example/a:1")
			r[0].Sources = []reference.Reference{parse(t, "mirror.example/a:1"), parse(t, "reg.example/a:1")}
			p, err := run(t, w.transfer(t, transfer.Options{}), r)
			if err != nil {
				t.Fatal(err)
			}
			w.complete(t, p)
		})
	}
}

func TestMirrorWithOtherContentForADigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mirror.example")
	idx := twoPlatforms(t, "a", 1000)
	w.push(t, "reg.example/a:1", idx)
	d, _ := idx.Digest()
	w.faults["mirror.example"].On("GET", "manifests/", registrytest.Times(99, registrytest.Bytes([]byte(`{"schemaVersion":2}`), "Docker-Content-Digest", d.String()))...)
	r := want(t, "reg.example/a@"+d.String())
	r[0].Sources = []reference.Reference{parse(t, "mirror.example/a@"+d.String()), r[0].Ref}
	p, err := run(t, w.transfer(t, transfer.Options{}), r)
	if err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
}

func TestTagMovesBetweenResolveAndFetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.push(t, "reg.example/a:1", twoPlatforms(t, "old", 1000))
	tr := w.transfer(t, transfer.Options{})
	r, err := tr.Resolve(t.Context(), want(t, "reg.example/a:1"))
	if err != nil {
		t.Fatal(err)
	}
	w.push(t, "reg.example/a:1", twoPlatforms(t, "new", 1000))
	p := tr.Plan(r)
	if err := tr.Fetch(t.Context(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
}

func TestOnBlobTellsOfEachBlobOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.push(t, "reg.example/a:1", twoPlatforms(t, "a", 1000, 2000, 5<<20))
	tr := w.transfer(t, transfer.Options{})
	r, err := tr.Resolve(t.Context(), want(t, "reg.example/a:1"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p := tr.Plan(r)
		var mu sync.Mutex
		told := map[v1.Hash]int{}
		err := tr.Fetch(t.Context(), p, transfer.FetchOptions{OnBlob: func(d v1.Descriptor) {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := w.store.Has(d.Digest); !ok {
				t.Errorf("told of %s before the store has it", d.Digest)
			}
			told[d.Digest]++
		}})
		if err != nil || len(told) != len(p.Blobs) {
			t.Fatalf("%d of %d, %v", len(told), len(p.Blobs), err)
		}
		for d, n := range told {
			if n != 1 {
				t.Errorf("%s: %d times", d, n)
			}
		}
	}
}

func TestUnchangedAsksForNoBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.push(t, "reg.example/a:1", twoPlatforms(t, "a", 1000, 2000))
	o := transfer.Options{Believe: 3600e9}
	if _, err := run(t, w.transfer(t, o), want(t, "reg.example/a:1")); err != nil {
		t.Fatal(err)
	}
	blobs, all := w.blobGets(), w.requests()
	p, err := run(t, w.transfer(t, transfer.Options{}), want(t, "reg.example/a:1"))
	if err != nil || w.blobGets() != blobs || w.requests() != all+1 {
		t.Errorf("%d blob requests, %d in all, %v", w.blobGets()-blobs, w.requests()-all, err)
	}
	if p.Stored != p.Unique {
		t.Errorf("%d of %d bytes stored", p.Stored, p.Unique)
	}
	all = w.requests()
	if _, err := run(t, w.transfer(t, o), want(t, "reg.example/a:1")); err != nil || w.requests() != all {
		t.Errorf("%d requests with a resolution that is believed, %v", w.requests()-all, err)
	}
}

func TestPlanCountsEachBlobOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shared := twoPlatforms(t, "a", 3000, 1000)
	w.push(t, "reg.example/a:1", shared)
	w.push(t, "reg.example/b:1", shared)
	tr := w.transfer(t, transfer.Options{})
	r, err := tr.Resolve(t.Context(), want(t, "reg.example/a:1", "reg.example/b:1"))
	if err != nil {
		t.Fatal(err)
	}
	p := tr.Plan(r)
	if len(p.Blobs) != 6 || p.Total != 2*p.Unique || len(p.Images) != 4 || p.Images[2].New != 0 || len(p.Blobs[0].Images) != 2 || len(p.Blobs[0].Sources) != 2 {
		t.Errorf("%d blobs, total %d, unique %d, %+v", len(p.Blobs), p.Total, p.Unique, p.Images)
	}
	for i := 1; i < len(p.Blobs); i++ {
		if p.Blobs[i].Desc.Size > p.Blobs[i-1].Desc.Size {
			t.Error("not the largest first")
		}
	}
}

func TestFlippedBitInTheStoreIsMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.push(t, "reg.example/a:1", twoPlatforms(t, "a", 100_000))
	tr := w.transfer(t, transfer.Options{})
	p, err := run(t, tr, want(t, "reg.example/a:1"))
	if err != nil {
		t.Fatal(err)
	}
	flip(t, w.store, p.Blobs[0].Desc.Digest)
	if err := w.store.Verify(t.Context(), p.Blobs[0].Desc.Digest); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	before := w.blobGets()
	if err := tr.Fetch(t.Context(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
	if n := w.blobGets() - before; n != 1 {
		t.Errorf("%d blobs fetched for one that was bad", n)
	}
}
