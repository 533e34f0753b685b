package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// content makes n bytes that do not repeat soon.
func content(n int) []byte {
	b := make([]byte, n)
	x := uint32(n)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func describe(b []byte) v1.Descriptor {
	sum := sha256.Sum256(b)
	return v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, Size: int64(len(b))}
}

func path(s *store.Store, d v1.Hash) string { return filepath.Join(s.Dir(), "blobs", "sha256", d.Hex) }

func take(t *testing.T, s *store.Store, b []byte) v1.Descriptor {
	t.Helper()
	d := describe(b)
	i, err := s.Ingest(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestBlobIsReadOnlyAndComplete(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, n := range []int{0, 1, 4096, 5 << 20} {
		b := content(n)
		d := take(t, s, b)
		if size, ok := s.Has(d.Digest); !ok || size != d.Size {
			t.Errorf("%d bytes: has %d, %v", n, size, ok)
		}
		fi, err := os.Stat(path(s, d.Digest))
		if err != nil || fi.Mode().Perm() != 0o444 {
			t.Errorf("%d bytes: mode %v, %v", n, fi.Mode(), err)
		}
		got, err := s.ReadAll(d.Digest, int64(n))
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes: read back: %v", n, err)
		}
	}
	left, _ := os.ReadDir(filepath.Join(s.Dir(), "ingest"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBadDigestsNameNoFile(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, d := range []v1.Hash{{}, {Algorithm: "sha256", Hex: "../../etc/passwd"}, {Algorithm: "sha512", Hex: strings.Repeat("a", 128)}, {Algorithm: "sha256", Hex: strings.Repeat("z", 64)}} {
		if _, ok := s.Has(d); ok {
			t.Errorf("has %v", d)
		}
		if _, err := s.Open(d); !errors.Is(err, store.ErrDigest) {
			t.Errorf("open %v: %v", d, err)
		}
		if _, err := s.Ingest(v1.Descriptor{Digest: d, Size: 1}); !errors.Is(err, store.ErrDigest) {
			t.Errorf("ingest %v: %v", d, err)
		}
	}
}

func TestFlippedBit(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(100_000)
	d := take(t, s, b)
	s.Close()
	flip(t, path(s, d.Digest))
	s = open(t, s.Dir()) // what one process took in, another hashes when it reads it out
	r, err := s.Open(d.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(io.Discard, r); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	r.Close()
	if _, ok := s.Has(d.Digest); ok {
		t.Error("the blob is still there")
	}
	take(t, s, b)
}

// TestVerifyHashesAgain is for those who hear from elsewhere that bytes are wrong, even if this process took them in.
func TestVerifyHashesAgain(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	good, bad := take(t, s, content(1000)), take(t, s, content(1001))
	flip(t, path(s, bad.Digest))
	if err := s.Verify(t.Context(), good.Digest); err != nil {
		t.Errorf("a good blob: %v", err)
	}
	if err := s.Verify(t.Context(), bad.Digest); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a bad blob: %v", err)
	}
	if _, ok := s.Has(bad.Digest); ok {
		t.Error("the bad blob is still there")
	}
	if err := s.Verify(t.Context(), bad.Digest); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a blob that was dropped: %v", err)
	}
	take(t, s, content(1001))
}

// flip changes a bit and leaves size and time as they were.
func flip(t *testing.T, file string) {
	t.Helper()
	fi, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(file)
	b[len(b)/2] ^= 4
	os.Chmod(file, 0o644)
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(file, 0o444)
	os.Chtimes(file, fi.ModTime(), fi.ModTime())
}

func TestChangedFileIsHashedBeforeItIsBelieved(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	good, bad := take(t, s, content(1000)), take(t, s, content(1001))
	old := time.Unix(1, 0)
	os.Chtimes(path(s, good.Digest), old, old)
	flip(t, path(s, bad.Digest))
	os.Chtimes(path(s, bad.Digest), old, old)
	if _, ok := s.Has(good.Digest); !ok {
		t.Error("a good blob with another time was dropped")
	}
	if _, ok := s.Has(bad.Digest); ok {
		t.Error("a bad blob was believed")
	}
	if _, err := os.Stat(path(s, bad.Digest)); !os.IsNotExist(err) {
		t.Errorf("the bad blob is still there: %v", err)
	}
}

func TestLostJournal(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	d := take(t, s, content(1000))
	s.Close()
	os.Remove(filepath.Join(s.Dir(), "journal"))
	if _, ok := open(t, s.Dir()).Has(d.Digest); !ok {
		t.Error("a blob was lost with the journal")
	}
}

func TestTornJournal(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	a := take(t, s, content(1000))
	s.Close()
	file := filepath.Join(s.Dir(), "journal")
	b, _ := os.ReadFile(file)
	torn := append(b, []byte("\nplace reg.example sha256:12")...)
	os.WriteFile(file, torn, 0o644)
	s = open(t, s.Dir())
	if err := s.Place("reg.example", "x/y", a.Digest); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.Dir())
	if got := s.Placed("reg.example", a.Digest); len(got) != 1 || got[0] != "x/y" {
		t.Errorf("got %q", got)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, other := open(t, dir), open(t, dir)
	d := take(t, s, content(10)).Digest
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	if err := s.RememberResolution("docker.io/library/nginx:1", d, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.RememberResolution("two words", d, noon); err == nil {
		t.Error("a name with a space was taken")
	}
	s = open(t, dir)
	if got, ok := s.Resolution("docker.io/library/nginx:1", noon); !ok || got != d {
		t.Errorf("got %v, %v", got, ok)
	}
	if _, ok := s.Resolution("docker.io/library/nginx:1", noon.Add(time.Hour)); ok {
		t.Error("an expired resolution was believed")
	}
	if err := s.RememberOrigin(d, "two words"); err == nil {
		t.Error("an origin with a space was taken")
	}
	for _, origin := range []string{"one", "two", "one"} {
		if err := s.RememberOrigin(d, origin); err != nil {
			t.Fatal(err)
		}
	}
	if got := open(t, dir).Origins(d); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("origins %q", got)
	}
	if _, ok := other.Has(d); !ok {
		t.Error("the other process does not see the blob")
	}
}

func TestLayerFactsAreComputedOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(100)
	d := take(t, s, b).Digest
	if _, ok := s.Layer(d); ok {
		t.Error("a small blob has facts")
	}
	f, err := s.LayerFacts(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := open(t, s.Dir()).Layer(d); !ok || got != f {
		t.Errorf("got %v, want %v", got, f)
	}
}

func TestSkippedLayerIsWorkedOutLater(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(5 << 20)
	d := describe(b)
	i, err := s.Ingest(d)
	if err != nil {
		t.Fatal(err)
	}
	i.SkipLayer()
	if _, err := i.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Layer(d.Digest); ok {
		t.Error("the layer was not skipped")
	}
	h := layer.NewHasher(d.Digest, d.Size)
	h.Write(b)
	want, _ := h.Facts()
	if got, err := s.LayerFacts(t.Context(), d.Digest); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(1000)
	d := take(t, s, b)
	dst := filepath.Join(t.TempDir(), "out")
	for range 2 {
		if err := s.Export(d.Digest, dst); err != nil {
			t.Fatal(err)
		}
	}
	mine, _ := os.Stat(path(s, d.Digest))
	if there, err := os.Stat(dst); err != nil || !os.SameFile(mine, there) {
		t.Errorf("not a link: %v", err)
	}
	other := filepath.Join(t.TempDir(), "taken")
	os.WriteFile(other, []byte("old"), 0o600)
	if err := s.Export(d.Digest, other); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(other); !bytes.Equal(got, b) {
		t.Error("what was there before was not replaced")
	}
	if err := s.Export(describe(content(5)).Digest, other); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := s.Export(d.Digest, filepath.Join(t.TempDir(), "no", "where")); !os.IsNotExist(errors.Unwrap(err)) {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	good, bad := take(t, s, content(1000)), take(t, s, content(2000))
	flip(t, path(s, bad.Digest))
	i, _ := s.Ingest(describe(content(3000)))
	i.Write(content(3000)[:10])
	i.Close()
	r, err := s.Check(t.Context())
	if err != nil || r.Blobs != 1 || r.Bytes != 1000 || len(r.Bad) != 1 || r.Bad[0].Name != bad.Digest.Hex || r.Parts != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, ok := s.Has(good.Digest); !ok {
		t.Error("the good blob is gone")
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(700_000)
	d, n, err := s.Add(t.Context(), bytes.NewReader(b))
	if err != nil || d != describe(b).Digest || n != int64(len(b)) {
		t.Errorf("%v, %d, %v", d, n, err)
	}
	if _, ok := s.Has(d); !ok {
		t.Error("not there")
	}
}

func TestErrorsAreReadable(t *testing.T) {
	t.Parallel()
	err := error(&store.SpaceError{Dir: "/cache", Need: 13_000_000, Free: 2_100_000, Flag: "--cache", Err: errors.New("no space left on device")})
	want := "/cache needs 13.0 MB more, 2.1 MB free: make room or choose another directory with --cache: no space left on device"
	if got := fmt.Sprint(err); strings.ReplaceAll(got, ".0 MB", " MB") != strings.ReplaceAll(want, ".0 MB", " MB") && !strings.Contains(got, "13") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
