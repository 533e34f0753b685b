package source_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/labring-actions/cluster-image/internal/source"
)

// tarOf is a tar with these entries: a name with its content, a name ending in / for a directory, name->target for a link.
func tarOf(t testing.TB, entries ...[2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: e[0], Mode: 0o755, Size: int64(len(e[1])), Typeflag: tar.TypeReg}
		if name, target, ok := strings.Cut(e[0], "->"); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		}
		if strings.HasSuffix(e[0], "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// compressed gives what a compressor makes of bytes.
func compressed[W io.WriteCloser](t testing.TB, b []byte, compressor func(io.Writer) (W, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := compressor(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t *testing.T, name, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// walked is what an archive has, a word an entry.
func walked(t testing.TB, archive []byte) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(name, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var words []string
	err = source.Walk(t.Context(), f, func(i source.Item) error {
		word := i.Path
		switch {
		case i.Link != "":
			word += "->" + i.Link
		case i.Content != nil:
			b, err := io.ReadAll(i.Content)
			if err != nil {
				return err
			}
			word += "=" + string(b)
		}
		words = append(words, word)
		return nil
	})
	return strings.Join(words, " "), err
}

func zstdWriter(w io.Writer) (*zstd.Encoder, error) { return zstd.NewWriter(w) }

func gzipWriter(w io.Writer) (*gzip.Writer, error) { return gzip.NewWriter(w), nil }

func TestWalk(t *testing.T) {
	t.Parallel()
	plain := tarOf(t, [2]string{"./a/", ""}, [2]string{"a/tool", "text"}, [2]string{"a/link->tool", ""})
	const want = "a a/tool=text a/link->tool"
	for name, archive := range map[string][]byte{
		"tar": plain, "tar.gz": compressed(t, plain, gzipWriter), "tar.xz": compressed(t, plain, xz.NewWriter), "tar.zst": compressed(t, plain, zstdWriter),
	} {
		if got, err := walked(t, archive); got != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, err := walked(t, zipOf(t, "a/tool", "text")); got != "a/tool=text" || err != nil {
		t.Errorf("zip: %s, %v", got, err)
	}
}

// xzBlocks packs in blocks of a size.
func xzBlocks(t testing.TB, plain []byte, size int64) []byte {
	t.Helper()
	return compressed(t, plain, func(w io.Writer) (*xz.Writer, error) {
		return xz.WriterConfig{BlockSize: size, CheckSum: xz.SHA256}.NewWriter(w)
	})
}

// TestWalkXZ: xz has blocks, several streams with zeros between, and data that does not compress.
func TestWalkXZ(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 300_000)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	plain := tarOf(t, [2]string{"a", strings.Repeat("text", 100_000)}, [2]string{"b", string(noise)})
	half := len(plain) / 2
	streams := slices.Concat(compressed(t, plain[:half], xz.NewWriter), make([]byte, 8), xzBlocks(t, plain[half:], 50_000), make([]byte, 4))
	want, err := walked(t, plain)
	if err != nil {
		t.Fatal(err)
	}
	for name, archive := range map[string][]byte{"blocks": xzBlocks(t, plain, 64<<10), "small blocks": xzBlocks(t, plain, 30_000), "streams": streams} {
		if got, err := walked(t, archive); got != want || err != nil {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
		}
		if _, err := walked(t, archive[:len(archive)*2/3]); err == nil {
			t.Errorf("%s, cut off: %v", name, err)
		}
	}
}

// FuzzXZ: whatever follows the first bytes of xz ends in files or an error.
func FuzzXZ(f *testing.F) {
	whole := compressed(f, tarOf(f, [2]string{"a", "text"}), xz.NewWriter)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), whole...))
	f.Fuzz(func(t *testing.T, archive []byte) {
		if _, err := walked(t, append([]byte("\xfd7zXZ\x00"), archive...)); err != nil && !errors.Is(err, source.ErrArchive) {
			t.Error(err)
		}
	})
}

func TestWalkRefuses(t *testing.T) {
	t.Parallel()
	whole := compressed(t, tarOf(t, [2]string{"a", "text"}), xz.NewWriter)
	greedy := bytes.Clone(whole)
	greedy[16] = 40 // the dictionary of the first block: 4 GiB
	blocks := xzBlocks(t, tarOf(t, [2]string{"a", strings.Repeat("text", 10_000)}), 8<<10)
	later := bytes.LastIndex(blocks, blocks[12:24]) // the header of a block
	if later == 12 {
		t.Fatal("there is one block alone")
	}
	blocks[later+4] = 40
	plain := tarOf(t, [2]string{"a", "text"})
	second := compressed(t, plain[600:], xz.NewWriter)
	second[16] = 40
	streams := append(compressed(t, plain[:600], xz.NewWriter), second...)
	for _, archive := range [][]byte{greedy, blocks, streams} {
		if _, err := walked(t, archive); !errors.Is(err, source.ErrArchive) || !strings.Contains(err.Error(), "wants more than 268435456 bytes of memory") {
			t.Errorf("a block with a dictionary of 4 GiB: %v", err)
		}
	}
	for want, archive := range map[string][]byte{
		"neither a tar nor a zip":              []byte("something else entirely"),
		"it has nothing in it":                 {},
		`"../x" leads out of it`:               tarOf(t, [2]string{"../x", ""}),
		`"/etc/passwd" leads out of it`:        zipOf(t, "/etc/passwd", ""),
		"cannot be unpacked: unexpected EOF":   whole[:8],
		"cannot be unpacked: gzip: invalid":    []byte("\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"cannot be unpacked: zip: not a valid": []byte("PK\x03\x04 and no more"),
	} {
		if _, err := walked(t, archive); !errors.Is(err, source.ErrArchive) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
