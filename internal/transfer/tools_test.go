package transfer_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/labring-actions/cluster-image/internal/store"
)

type (
	rwriter = http.ResponseWriter
	request = *http.Request
	handler = http.Handler
)

// flip changes a bit of a stored blob and leaves its size and time as they were.
func flip(t *testing.T, s *store.Store, d v1.Hash) {
	t.Helper()
	file := filepath.Join(s.Dir(), "blobs", "sha256", d.Hex)
	fi, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(file)
	b[len(b)/2] ^= 1
	os.Chmod(file, 0o644)
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(file, fi.ModTime(), fi.ModTime())
}

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func withConfig(t *testing.T, img v1.Image, c *v1.ConfigFile) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(img, c)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
