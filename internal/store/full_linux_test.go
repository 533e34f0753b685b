package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/labring-actions/cluster-image/internal/store"
)

// tmpfs mounts a file system of the size.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := open(t, tmpfs(t, "size=6m"))
	var full *store.SpaceError
	_, err := s.Ingest(describe(content(9 << 20)))
	if !errors.As(err, &full) || full.Need != 9<<20 || full.Free <= 0 || full.Free > 6<<20 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("reserve: %v", err)
	}
	if err := s.Room(100 << 20); !errors.As(err, &full) {
		t.Errorf("room: %v", err)
	}
	small := content(900_000)
	for n := 0; err == nil || n < 8; n++ {
		b := append(small, byte(n))
		if _, err = s.Put(b); err != nil {
			break
		}
	}
	if !errors.As(err, &full) {
		t.Errorf("put: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(s.Dir(), "ingest", "tmp-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestDiskFullThenRoom(t *testing.T) {
	t.Parallel()
	dir := tmpfs(t, "size=8m")
	s := open(t, dir)
	ballast := filepath.Join(dir, "ballast")
	os.WriteFile(ballast, content(5<<20), 0o600)
	b := content(4 << 20)
	if _, err := s.Ingest(describe(b)); err == nil {
		t.Fatal("4 MB fit into 3")
	}
	os.Remove(ballast)
	take(t, s, b)
}

func TestOutOfInodes(t *testing.T) {
	t.Parallel()
	s := open(t, tmpfs(t, "size=8m,nr_inodes=20"))
	var err error
	for n := 0; n < 40 && err == nil; n++ {
		_, err = s.Put(content(100 + n))
	}
	var full *store.SpaceError
	if !errors.As(err, &full) {
		t.Errorf("got %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := tmpfs(t, "size=8m")
	s := open(t, dir)
	if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"); err != nil {
		t.Skipf("cannot remount: %v", err)
	}
	var full *store.SpaceError
	if _, err := s.Put([]byte("x")); !errors.As(err, &full) || !errors.Is(err, syscall.EROFS) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Ingest(describe([]byte("x"))); !errors.As(err, &full) {
		t.Errorf("ingest: %v", err)
	}
	if _, err := store.Open(dir); !errors.As(err, &full) {
		t.Errorf("open: %v", err)
	}
}

func TestExportToAnotherDevice(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(300_000)
	d := take(t, s, b)
	dir := tmpfs(t, "size=1m")
	dst := filepath.Join(dir, "copy")
	if err := s.Export(d.Digest, dst); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dst); err != nil || describe(got).Digest != d.Digest {
		t.Errorf("copied wrong: %v", err)
	}
	flip(t, path(s, d.Digest))
	if err := s.Export(d.Digest, filepath.Join(dir, "bad")); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a bad blob: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "bad")); err == nil {
		t.Error("a bad blob was copied")
	}
}
