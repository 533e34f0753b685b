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
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "one:1\n")
	b.image(t, "library/one:1", 6_000_000)
	cache := b.small(t, "cache", "size=8m")
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

// small mounts a file system of its own below the directory of the bench.
func (b bench) small(t *testing.T, name, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a small file system is mounted, which only root may do")
	}
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system cannot be mounted here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	return dir
}

// TestNoRoomForTheResult writes each kind of result to a file system that is too small for it, and to one that is read-only. The message says where
// there is no room, how much is needed and free, and nothing partial is left under the final name.
func TestNoRoomForTheResult(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "one:1\n")
	b.file(t, "applications/app/latest/opt/large", strings.Repeat("x", 3_000_000))
	b.image(t, "library/one:1", 6_000_000)
	dir := b.small(t, "small", "size=2m")
	for _, c := range []struct {
		what, full, readOnly string
		args                 []string
	}{
		{"archive", `needs 1\d\.\d MB more, \d\.\d+ MB free: make room or choose another directory with --output`, "cannot be written to",
			[]string{"build", "app", "1", "--output", "small/out.tar"}},
		{"layout", `needs 1\d\.\d MB more, \d\.\d+ MB free: make room or choose another directory with --output`, "takes no more|cannot be written to",
			[]string{"build", "app", "1", "--format", "oci-layout", "--output", "small/layout"}},
		{"registry directory", `small/registry needs 6\.\d+ MB more, \d\.\d+ MB free: make room or choose another directory with --registry-dir`,
			`small/registry cannot be written to: choose another directory with --registry-dir: .*read-only file system`,
			[]string{"registry", "save", "--images", "one:1", "--registry-dir", "small/registry"}},
		{"context", `takes no more, .* free: make room`, "cannot be written to: choose another directory.*read-only file system",
			[]string{"download", "app", "1", "--output", "small/context"}},
	} {
		for _, mode := range []struct{ remount, want string }{{"remount,rw,size=2m", c.full}, {"remount,ro,size=2m", c.readOnly}} {
			if out, err := exec.Command("mount", "-o", mode.remount, dir).CombinedOutput(); err != nil {
				t.Fatalf("%s: %s", mode.remount, out)
			}
			out, err := b.command(t.Context(), append(c.args, "--progress=quiet")...).CombinedOutput()
			if err == nil || !regexp.MustCompile(mode.want).Match(out) || !strings.Contains(string(out), dir) && !strings.Contains(string(out), "small") {
				t.Errorf("%s, %s: %v\ngot  %s\nwant %s", c.what, mode.remount, err, out, mode.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "out.tar")); err == nil {
				t.Errorf("%s: a partial archive has the final name", c.what)
			}
		}
	}
}
