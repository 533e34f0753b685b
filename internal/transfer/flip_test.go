package transfer_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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
