package transfer_test

import (
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// BenchmarkPlan plans 200 images for two platforms with 20 layers each, half of them shared.
func BenchmarkPlan(b *testing.B) {
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	tr := transfer.New(transfer.Options{Store: s})
	var r transfer.Resolution
	for i := range 200 {
		ref := reference.Reference{Host: "reg.example", Path: fmt.Sprint("i", i), Tag: "1"}
		image := transfer.Image{Ref: ref, Source: ref, Sources: []reference.Reference{ref}, Platforms: map[string]transfer.PlatformImage{}}
		for _, platform := range both {
			var p transfer.PlatformImage
			for l := range 20 {
				seed := fmt.Sprint(platform, l, l%2*i)
				p.Layers = append(p.Layers, v1.Descriptor{Digest: registry.NewManifest("", []byte(seed)).Digest, Size: int64(l) << 20, MediaType: types.OCILayer})
			}
			p.Config = p.Layers[1]
			image.Platforms[platform] = p
		}
		r.Images = append(r.Images, image)
	}
	for b.Loop() {
		tr.Plan(r)
	}
}

// BenchmarkFetch fetches four images for two platforms, on the loopback and behind 40 ms and 15 MB/s per connection.
func BenchmarkFetch(b *testing.B) {
	srv := httptest.NewServer(newRegistry())
	defer srv.Close()
	direct := strings.TrimPrefix(srv.URL, "http://")
	var total int64
	for i := range 4 {
		ref, err := name.ParseReference(fmt.Sprintf("%s/bench/i%d:1", direct, i))
		if err != nil {
			b.Fatal(err)
		}
		if err := remote.WriteIndex(ref, twoPlatforms(b, fmt.Sprint(i), 12<<20, 1<<20, 10_000)); err != nil {
			b.Fatal(err)
		}
		total += 2 * (13<<20 + 10_000)
	}
	slow := slowProxy(b, direct, 20*time.Millisecond, 15e6)
	for _, c := range []struct{ name, host string }{{"loopback", direct}, {"slow", slow}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(total)
			for b.Loop() {
				fetchAll(b, c.host)
			}
		})
	}
}

func fetchAll(b *testing.B, host string) {
	b.Helper()
	c, err := registry.New(registry.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var refs []string
	for i := range 4 {
		refs = append(refs, fmt.Sprintf("%s/bench/i%d:1", host, i))
	}
	tr := transfer.New(transfer.Options{Client: c, Store: s})
	r, err := tr.Resolve(b.Context(), want(b, refs...))
	if err != nil {
		b.Fatal(err)
	}
	if err := tr.Fetch(b.Context(), tr.Plan(r), transfer.FetchOptions{}); err != nil {
		b.Fatal(err)
	}
}

// slowProxy passes connections on, later and at a limited rate each.
func slowProxy(b *testing.B, to string, delay time.Duration, rate float64) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				time.Sleep(2 * delay)
				up, err := net.Dial("tcp", to)
				if err != nil {
					c.Close()
					return
				}
				go pass(up, c, delay, 0)
				pass(c, up, delay, rate)
			}()
		}
	}()
	return l.Addr().String()
}

type delayed struct {
	b  []byte
	at time.Time
}

func pass(dst, src net.Conn, delay time.Duration, rate float64) {
	defer dst.Close()
	defer src.Close()
	pieces := make(chan delayed, 64)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 32<<10)
			n, err := src.Read(b)
			pieces <- delayed{b[:n], time.Now().Add(delay)}
			if err != nil {
				return
			}
		}
	}()
	next := time.Now()
	for p := range pieces {
		time.Sleep(time.Until(p.at))
		if now := time.Now(); next.Before(now.Add(-20 * time.Millisecond)) {
			next = now.Add(-20 * time.Millisecond)
		}
		if rate > 0 {
			next = next.Add(time.Duration(float64(len(p.b)) / rate * float64(time.Second)))
			if wait := time.Until(next); wait > 2*time.Millisecond {
				time.Sleep(wait)
			}
		}
		if _, err := dst.Write(p.b); err != nil {
			break
		}
	}
	go io.Copy(io.Discard, src)
	for range pieces {
	}
}

// BenchmarkTinyBlobs fetches 500 blobs of 3 kB: what one blob costs beside its bytes.
func BenchmarkTinyBlobs(b *testing.B) {
	srv := httptest.NewServer(newRegistry())
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	sizes := make([]int, 250)
	for i := range sizes {
		sizes[i] = 3000
	}
	ref, err := name.ParseReference(host + "/bench/i0:1")
	if err != nil {
		b.Fatal(err)
	}
	if err := remote.WriteIndex(ref, twoPlatforms(b, "tiny", sizes...)); err != nil {
		b.Fatal(err)
	}
	c, err := registry.New(registry.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := store.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		tr := transfer.New(transfer.Options{Client: c, Store: s})
		if _, err := run(b, tr, want(b, host+"/bench/i0:1")); err != nil {
			b.Fatal(err)
		}
	}
}
