package layer_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/labring-actions/cluster-image/internal/layer"
)

// inFile opens a file that holds the bytes.
func inFile(t *testing.T, b []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// sections reads a layer section by section, after some bytes.
func sections(r *layer.FileReader, first int64) ([]byte, error) {
	var out bytes.Buffer
	if _, err := io.CopyN(&out, r, first); err != nil {
		return nil, err
	}
	for {
		b, f, n, err := r.Section()
		switch {
		case err == io.EOF:
			return out.Bytes(), nil
		case err != nil:
			return nil, err
		case len(b) > 0:
			out.Write(b)
		default:
			if _, err := io.CopyN(&out, f, n); err != nil {
				return nil, err
			}
		}
	}
}

func TestFileReaderAgreesWithReader(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 511, 512, 65022, 65023, 65024, 65535, 65536, 65535 * 2, 300_000} {
		b := pattern(size)
		want, err := io.ReadAll(layer.NewReader(digest(b), int64(size), bytes.NewReader(b)))
		if err != nil {
			t.Fatal(err)
		}
		h := layer.NewHasher(digest(b), int64(size))
		h.Write(b)
		facts, err := h.Facts()
		if err != nil {
			t.Fatal(err)
		}
		open := func() *layer.FileReader {
			r, err := layer.NewFileReader(digest(b), int64(size), inFile(t, b), facts.Checksum)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if got, err := io.ReadAll(iotest.HalfReader(open())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("size %d: %d of %d bytes are read, or others: %v", size, len(got), len(want), err)
		}
		if got, err := io.ReadAll(iotest.OneByteReader(open())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("size %d, byte by byte: %d of %d bytes are read, or others: %v", size, len(got), len(want), err)
		}
		for _, first := range []int64{0, 3, 12, 600, int64(len(want)) - 4, int64(len(want))} {
			if got, err := sections(open(), first); err != nil || !bytes.Equal(got, want) {
				t.Errorf("size %d, in sections after %d: %d of %d bytes, or others: %v", size, first, len(got), len(want), err)
			}
		}
	}
}

func TestFileReaderWithAnotherLength(t *testing.T) {
	t.Parallel()
	b := pattern(100_000)
	for _, size := range []int64{99_999, 100_001} {
		if _, err := layer.NewFileReader(digest(b), size, inFile(t, b), 1); !errors.Is(err, layer.ErrLength) {
			t.Errorf("%d bytes of 100000: %v", size, err)
		}
	}
	f := inFile(t, b)
	r, err := layer.NewFileReader(digest(b), 100_000, f, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(f.Name(), 70_000); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, layer.ErrLength) {
		t.Errorf("a file that was cut meanwhile: %v", err)
	}
}
