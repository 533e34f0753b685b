package store_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/labring-actions/cluster-image/internal/store"
)

// TestClosedIngestIsNotBusy has every opening of the part file doubled, as it is in a process between fork and exec.
func TestClosedIngestIsNotBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	blob := []byte("a blob that comes in two parts")
	i, err := s.Ingest(describe(blob))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Write(blob[:5]); err != nil {
		t.Fatal(err)
	}
	if n := double(t, dir); n == 0 {
		t.Fatal("no opening of the part file was found")
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := s.Ingest(describe(blob))
	if err != nil {
		t.Fatal(err)
	}
	if again.Have() != 5 {
		t.Errorf("%d bytes are there", again.Have())
	}
	again.Close()
}

// double duplicates the descriptors of files below dir that hold a blob's digest in their name.
func double(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range fds {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		fd, err := strconv.Atoi(e.Name())
		if err != nil || !strings.HasPrefix(target, dir) || len(filepath.Base(target)) < 64 {
			continue
		}
		twin, err := unix.Dup(fd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(twin) })
		n++
	}
	return n
}
