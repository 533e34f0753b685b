package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDiskFull builds with a cache that is too small for the images: the message says how much is needed and how much is free. When there is room, the
// same command goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a small file system is mounted for the cache, which only root may do")
	}
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "one:1\n")
	b.image(t, "library/one:1", 6_000_000)
	cache := filepath.Join(b.dir, "cache")
	if err := os.Mkdir(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", cache).CombinedOutput(); err != nil {
		t.Skipf("a small file system cannot be mounted here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", cache).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	build := func() (string, string, error) {
		cmd := b.command(t.Context(), "build", "app", "1", "--output", "out.tar", "--progress=quiet")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		return string(out), stderr.String(), err
	}
	_, text, err := build()
	want := regexp.MustCompile(`^cluster-image: app 1: fetch images: ` + regexp.QuoteMeta(filepath.Join(cache, "cluster-image")) +
		` needs 12\.0 MB more, 8\.\d\d MB free: make room or choose another directory with --cache: no space left on device\n$`)
	if err == nil || !want.MatchString(text) {
		t.Fatalf("%v\ngot  %s\nwant %s", err, text, want)
	}
	if left, err := filepath.Glob(filepath.Join(b.dir, "*out.tar*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	if out, err := exec.Command("mount", "-o", "remount,size=64m", cache).CombinedOutput(); err != nil {
		t.Fatalf("remount: %s", out)
	}
	out, text, err := build()
	if err != nil || !strings.HasPrefix(out, "localhost/app:1@sha256:") {
		t.Errorf("with room: %v %s %s", err, out, text)
	}
}
