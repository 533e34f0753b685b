package store_test

import (
	"testing"

	"github.com/labring-actions/cluster-image/internal/store"
)

// BenchmarkIngest takes in 64 MiB: written, and hashed as a blob and as a layer.
func BenchmarkIngest(b *testing.B) {
	blob := content(64 << 20)
	d := describe(blob)
	b.SetBytes(d.Size)
	for b.Loop() {
		s, err := store.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		i, err := s.Ingest(d)
		if err != nil {
			b.Fatal(err)
		}
		for at := 0; at < len(blob); at += 256 << 10 {
			if _, err := i.Write(blob[at : at+256<<10]); err != nil {
				b.Fatal(err)
			}
		}
		if err := i.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHas asks for a blob that is there, as a warm build does for each.
func BenchmarkHas(b *testing.B) {
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	d, err := s.Put(content(1000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, ok := s.Has(d); !ok {
			b.Fatal("not there")
		}
	}
}
