package sha256x3_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"math/rand/v2"
	"testing"

	"github.com/labring-actions/cluster-image/internal/sha256x3"
)

func bytesOf(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// compare feeds bytes to sums that have had some before, at once and one after another.
func compare(t *testing.T, make func() hash.Hash, before [3]int, p []byte, piece int) {
	t.Helper()
	var got, want [3]hash.Hash
	for i, n := range before {
		got[i], want[i] = make(), make()
		got[i].Write(bytesOf(n))
		want[i].Write(bytesOf(n))
		want[i].Write(p)
	}
	w := sha256x3.New(got[0], got[1], got[2])
	for rest := p; len(rest) > 0; {
		n := min(piece, len(rest))
		if m, err := w.Write(rest[:n]); m != n || err != nil {
			t.Fatalf("wrote %d of %d, %v", m, n, err)
		}
		rest = rest[n:]
	}
	for i := range got {
		if string(got[i].Sum(nil)) != string(want[i].Sum(nil)) {
			t.Errorf("sum %d is wrong: %d bytes in pieces of %d, after %v", i, len(p), piece, before)
		}
	}
}

func TestSameAsOneByOne(t *testing.T) {
	t.Parallel()
	for _, before := range [][3]int{{}, {0, 512, 527}, {64, 128, 63}, {1, 65, 2}, {3, 4, 5}, {63, 0, 1}, {100, 612, 632}} {
		for _, size := range []int{0, 1, 1023, 1024, 1025, 4096, 65535, 65536, 200_001} {
			for _, piece := range []int{1 << 20, 65535, 4097, 1024} {
				compare(t, sha256.New, before, bytesOf(size), piece)
			}
		}
	}
}

func TestOtherHashes(t *testing.T) {
	t.Parallel()
	compare(t, sha1.New, [3]int{0, 64, 1}, bytesOf(100_000), 65535)
	compare(t, sha256.New224, [3]int{0, 64, 1}, bytesOf(100_000), 65535)
}

func FuzzSameAsOneByOne(f *testing.F) {
	f.Add([]byte("some bytes"), uint16(0), uint16(512), uint16(527), uint16(5000), uint16(3000))
	f.Fuzz(func(t *testing.T, p []byte, a, b, c, repeat, piece uint16) {
		for len(p) > 0 && len(p) < int(repeat) {
			p = append(p, p...)
		}
		compare(t, sha256.New, [3]int{int(a), int(b), int(c)}, p, int(piece)+1)
	})
}

func BenchmarkWrite(b *testing.B) {
	p := bytesOf(65535)
	for name, write := range map[string]func(x, y, z hash.Hash) func(){
		"at-once": func(x, y, z hash.Hash) func() {
			w := sha256x3.New(x, y, z)
			return func() { w.Write(p) }
		},
		"one-by-one": func(x, y, z hash.Hash) func() {
			return func() { x.Write(p); y.Write(p); z.Write(p) }
		},
	} {
		b.Run(name, func(b *testing.B) {
			f := write(sha256.New(), sha256.New(), sha256.New())
			b.SetBytes(int64(3 * len(p)))
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
