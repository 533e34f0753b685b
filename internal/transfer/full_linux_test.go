package transfer_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// TestDiskFull has room for the manifests and one of two layers: that is said before the first layer is asked for, and
// once there is room the same fetch succeeds.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	var err error
	if w.store, err = store.Open(filepath.Join(dir, "store")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	amd := image(t, "full", "amd64", 4<<20)
	w.push(t, "reg.example/a:1", index(entry{amd, linux("amd64")}, entry{image(t, "full", "arm64", 4<<20), linux("arm64")}))
	tr := w.transfer(t, transfer.Options{})
	_, err = run(t, tr, want(t, "reg.example/a:1"))
	var full *store.SpaceError
	if !errors.As(err, &full) || full.Need != 8<<20 || full.Free < 6<<20 || full.Free > 8<<20 {
		t.Fatalf("got %v", err)
	}
	w.noLayerAsked(t, amd)
	os.Remove(ballast)
	p, err := run(t, tr, want(t, "reg.example/a:1"))
	if err != nil {
		t.Fatal(err)
	}
	w.complete(t, p)
}
