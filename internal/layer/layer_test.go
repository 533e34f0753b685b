package layer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/labring-actions/cluster-image/internal/layer"
)

// pattern makes n bytes that are the same everywhere and do not compress.
func pattern(n int) []byte {
	b := make([]byte, n)
	seed := sha256.Sum256([]byte("pattern"))
	rand.NewChaCha8(seed).Read(b)
	return b
}

func digest(b []byte) v1.Hash {
	s := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s[:])}
}

// goldens pin the layers of blobs for all time: every registry that holds a cluster image holds layers with these
// digests, and a push finds them there by digest. If one of these changes, the code is wrong, not the table.
var goldens = []struct {
	size         int
	digest, diff string
	length       int64
}{
	{0, "82db3fe19f91c6ffc10fffa9ab62b9a14c2a2a97e514ad326476a3595d62230f", "6f8ca53219fbd86b556ae7a252072ab3a2e34151f4fbe5cc031551e0901a8ee6", 1559},
	{1, "c3e889a5351962f7f9bee82981c3c40492c8f11401c9a64a64240d132b740a41", "40fde267897c44b4b685edf8ff69bb41437d6c37d07bc2ce34856431fb85d474", 2071},
	{511, "2cdefec4f434303c7f95056cfe375dff5ba579a0f7b8acb9234f2807e18e4294", "2bbbe4ec62cd70040dcd6a952c67de1913ebcae28f8327bf73b1aba0a5f8cd47", 2071},
	{512, "82cc96b3231ed01ad4365c395cd2f6e8556f47c007a9314228941b9586260701", "e8765def218f6fc9c04575041c40552bef278303353fb4669bd583eb71c4f905", 2071},
	{65535 - 512, "4cbe2e9793f4cb5d55bac508ea1e2c62ceb3eb9f496515e02188ff102dbfb282", "47040a2e7c83ff80806a2fe8c0cf5be98001982848ec3e8ea10cfc20fdce669f", 66588},
	{65535 - 511, "70f45afbe98e490109966e7f9a62a81a0403be5c5959059d25bbb899d83a80f9", "d1b91842a044f09c9e824e3c7a372cc685ded0f01c099cdf8e643326eab6e218", 66588},
	{65535*3 - 512 - 1024, "d98977a2d5b25baa768159f655b26e67b4f2a2aeb7685ec063f8630cb74b234e", "f0ee0b168c40a7aca5e5f7007e810f0f55be17fe050b37eed0afe4f4f20cee15", 196646},
	{4 << 20, "27cd26d233286cbf58b8d8ecb727fc69e4d3b1c177252f66a69900082b28d73f", "4a0f4bb21e11cbf3f8bc9e6af0739d74971c4a655efea59d302ddc027575e26c", 4196183},
	{4<<20 + 1, "edfa379ef11d27a07b7d266eca5f10a166885e1db18261e14e606a3f62a1c863", "10c1cee360374d67e51d06772011168533e4a76df6a84c369ce557df9ccdc39a", 4196695},
}

func TestBlobLayerGolden(t *testing.T) {
	t.Parallel()
	for _, g := range goldens {
		t.Run(fmt.Sprint(g.size), func(t *testing.T) {
			t.Parallel()
			b := pattern(g.size)
			h := layer.NewHasher(digest(b), int64(g.size))
			if _, err := h.Write(b); err != nil {
				t.Fatal(err)
			}
			f, err := h.Facts()
			if err != nil {
				t.Fatal(err)
			}
			if f.Digest.Hex != g.digest || f.DiffID.Hex != g.diff || f.Size != g.length {
				t.Errorf("layer of %d bytes changed: {%d, %q, %q, %d}", g.size, g.size, f.Digest.Hex, f.DiffID.Hex, f.Size)
			}
		})
	}
}

func TestHasherAgreesWithReader(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 511, 512, 513, 65535, 65536, 65535 * 2, 300_000} {
		b := pattern(size)
		stream, err := io.ReadAll(iotest.OneByteReader(layer.NewReader(digest(b), int64(size), bytes.NewReader(b))))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(stream))
		if err != nil {
			t.Fatal(err)
		}
		inner, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		h := layer.NewHasher(digest(b), int64(size))
		for p := b; len(p) > 0; {
			n := min(len(p), 777)
			if _, err := h.Write(p[:n]); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
		got, err := h.Facts()
		want := layer.Facts{Digest: digest(stream), DiffID: digest(inner), Size: int64(len(stream)), Checksum: crc32.ChecksumIEEE(inner)}
		if err != nil || got != want {
			t.Errorf("size %d: hashed %v, %v; streamed %v", size, got, err, want)
		}
		if n, err := layer.Size(digest(b), int64(size)); err != nil || n != want.Size {
			t.Errorf("size %d: announced %d, %v; streamed %d", size, n, err, want.Size)
		}
	}
}

func TestHasherHashesTheBlobAlong(t *testing.T) {
	t.Parallel()
	b := pattern(300_000)
	alone, along, own := layer.NewHasher(digest(b), int64(len(b))), layer.NewHasher(digest(b), int64(len(b))), sha256.New()
	along.Along(own)
	for p := b; len(p) > 0; {
		n := min(len(p), 70_001)
		alone.Write(p[:n])
		along.Write(p[:n])
		p = p[n:]
	}
	want, err1 := alone.Facts()
	got, err2 := along.Facts()
	if err := errors.Join(err1, err2); err != nil || got != want {
		t.Errorf("facts %v, %v; want %v", got, err, want)
	}
	if sum := hex.EncodeToString(own.Sum(nil)); sum != digest(b).Hex {
		t.Errorf("the blob is %s, want %s", sum, digest(b))
	}
}

func TestBlobLayerHoldsTheBlob(t *testing.T) {
	t.Parallel()
	b := pattern(70_000)
	z, err := gzip.NewReader(layer.NewReader(digest(b), int64(len(b)), bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	h, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(content, b) {
		t.Errorf("content differs, %v", err)
	}
	hex := digest(b).Hex
	if want := "registry/docker/registry/v2/blobs/sha256/" + hex[:2] + "/" + hex + "/data"; h.Name != want {
		t.Errorf("name %s, want %s", h.Name, want)
	}
	if h.Mode != 0o644 || h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 || h.Format != tar.FormatUSTAR || h.Uname != "" {
		t.Errorf("header %+v", h)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("second entry: %v", err)
	}
}

func TestHasherState(t *testing.T) {
	t.Parallel()
	b := pattern(200_000)
	whole := layer.NewHasher(digest(b), int64(len(b)))
	whole.Write(b)
	want, err := whole.Facts()
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 1, 64_000, 65_023, 131_000, len(b)} {
		h := layer.NewHasher(digest(b), int64(len(b)))
		h.Write(b[:cut])
		state, err := h.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again layer.Hasher
		if err := again.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		if again.Fed() != int64(cut) {
			t.Errorf("cut at %d: goes on at %d", cut, again.Fed())
		}
		again.Write(b[cut:])
		if got, err := again.Facts(); err != nil || got != want {
			t.Errorf("cut at %d: %v, %v", cut, got, err)
		}
	}
}

func FuzzHasherState(f *testing.F) {
	h := layer.NewHasher(digest(nil), 100)
	h.Write(make([]byte, 50))
	state, _ := h.MarshalBinary()
	f.Add(state)
	f.Add([]byte("layer1\n"))
	f.Fuzz(func(t *testing.T, state []byte) {
		var h layer.Hasher
		if h.UnmarshalBinary(state) == nil && h.Fed() < 0 {
			t.Error("goes on before the start")
		}
	})
}

func TestWrongLengths(t *testing.T) {
	t.Parallel()
	b := []byte("0123456789")
	h := layer.NewHasher(digest(b), 5)
	if _, err := h.Write(b); !errors.Is(err, layer.ErrLength) {
		t.Errorf("too many bytes hashed: %v", err)
	}
	h.Write(b[:4])
	if _, err := h.Facts(); !errors.Is(err, layer.ErrLength) {
		t.Errorf("too few bytes hashed: %v", err)
	}
	for _, size := range []int64{5, 15} {
		if _, err := io.ReadAll(layer.NewReader(digest(b), size, bytes.NewReader(b))); !errors.Is(err, layer.ErrLength) {
			t.Errorf("read as %d bytes: %v", size, err)
		}
	}
	if _, err := layer.NewHasher(v1.Hash{Algorithm: "sha256", Hex: "../../etc"}, 1).Facts(); err == nil {
		t.Error("a digest that is none was taken")
	}
	if _, err := layer.NewHasher(digest(b), -1).Facts(); err == nil {
		t.Error("a negative size was taken")
	}
}

func TestVerdictOfTheSourceIsPassedOn(t *testing.T) {
	t.Parallel()
	b := pattern(1000)
	bad := errors.New("bad bytes")
	src := io.MultiReader(bytes.NewReader(b), iotest.ErrReader(bad))
	if _, err := io.ReadAll(layer.NewReader(digest(b), 1000, src)); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestHugeBlobs(t *testing.T) {
	t.Parallel()
	blob := digest([]byte("huge"))
	pinned := map[int64]string{1<<33 - 1: "2a6e62edd1e61eda5f3a08fd547dcaaa4ba0e2e7b7c8a422632ed3331718c4c5", 1 << 33: "10950b604bb9270ace8f43bd295037d837ddc286c9dd68927c7e11b20ff844f1", 1 << 40: "0e5969951bde5ce4c729f84cbe1fdd51073261db4df6b7c3d6f4682ece779978"}
	for size, want := range pinned {
		z, err := gzip.NewReader(layer.NewReader(blob, size, zero{}))
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 4*512)
		if _, err := io.ReadFull(z, head); err != nil {
			t.Fatal(err)
		}
		if got := digest(head).Hex; got != want {
			t.Errorf("header of %d bytes changed: %s", size, got)
		}
		h, err := tar.NewReader(bytes.NewReader(head)).Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Size != size || h.Name != layer.BlobPath(blob) {
			t.Errorf("size %d: header says %d, %s", size, h.Size, h.Name)
		}
		if pax := h.Format == tar.FormatPAX; pax != (size >= 1<<33) {
			t.Errorf("size %d: format %v", size, h.Format)
		}
	}
}

func TestLengthIsModulo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 4 GiB of zeros")
	}
	const size = 1<<32 + 5
	last := &tail{}
	if _, err := io.CopyBuffer(last, layer.NewReader(digest(nil), size, io.LimitReader(zero{}, size)), make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if got, want := binary.LittleEndian.Uint32(last.b[len(last.b)-4:]), uint32(512+512+1024); got != want {
		t.Errorf("length field %d, want %d", got, want)
	}
}

// tail keeps the last piece that was written.
type tail struct{ b []byte }

func (l *tail) Write(p []byte) (int, error) {
	l.b = append(l.b, p...)
	l.b = append([]byte(nil), l.b[max(0, len(l.b)-8):]...)
	return len(p), nil
}

func BenchmarkHasher(b *testing.B) {
	data := pattern(1 << 20)
	const size = 64 << 20
	b.Run("layer", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			h := layer.NewHasher(digest(nil), size)
			for range size / len(data) {
				h.Write(data)
			}
			if _, err := h.Facts(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("twice-sha256", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			x, y := sha256.New(), sha256.New()
			for range size / len(data) {
				x.Write(data)
				y.Write(data)
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	data := pattern(1 << 20)
	buf := make([]byte, 1<<20)
	const size = 256 << 20
	b.SetBytes(size)
	for b.Loop() {
		r := layer.NewReader(digest(nil), size, io.MultiReader(repeat(data, size/len(data))...))
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func repeat(data []byte, n int) (all []io.Reader) {
	for range n {
		all = append(all, bytes.NewReader(data))
	}
	return all
}

func TestBlobPathOfNothing(t *testing.T) {
	t.Parallel()
	if p := layer.BlobPath(v1.Hash{}); !strings.HasPrefix(p, "registry/") {
		t.Error(p)
	}
}
