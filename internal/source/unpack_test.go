package source_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/labring-actions/cluster-image/internal/source"
)

// tarOf is a tar with these entries: a name with its content, a name ending in / for a directory, name->target for a link.
func tarOf(t *testing.T, entries ...[2]string) []byte {
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
func compressed[W io.WriteCloser](t *testing.T, b []byte, compressor func(io.Writer) (W, error)) []byte {
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
func walked(t *testing.T, archive []byte) (string, error) {
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

func TestWalkRefuses(t *testing.T) {
	t.Parallel()
	whole := compressed(t, tarOf(t, [2]string{"a", "text"}), xz.NewWriter)
	greedy := bytes.Clone(whole)
	greedy[16] = 40 // the dictionary of the first block: 4 GiB
	for want, archive := range map[string][]byte{
		"neither a tar nor a zip":              []byte("something else entirely"),
		"it has nothing in it":                 {},
		`"../x" leads out of it`:               tarOf(t, [2]string{"../x", ""}),
		`"/etc/passwd" leads out of it`:        zipOf(t, "/etc/passwd", ""),
		"wants more than 268435456 bytes":      greedy,
		"xz of a kind that is not understood":  whole[:8],
		"cannot be unpacked: gzip: invalid":    []byte("\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"cannot be unpacked: zip: not a valid": []byte("PK\x03\x04 and no more"),
	} {
		if _, err := walked(t, archive); !errors.Is(err, source.ErrArchive) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
