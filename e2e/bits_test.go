package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFlippedBitInTheStore damages a blob of the store between two runs, once so that the file's time tells and once so that nothing but its bytes
// does. Whatever reads the blob notices, fetches it anew, and the result is that of an undisturbed run.
func TestFlippedBitInTheStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "one:1\n")
	b.image(t, "library/one:1", 5_000_000)
	run := func(args ...string) {
		t.Helper()
		if out, err := b.command(t.Context(), append(args, "--progress=quiet")...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
	run("build", "app", "1", "--output", "out.tar")
	want, err := sumOf(filepath.Join(b.dir, "out.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, silent := range []bool{false, true} {
		for _, c := range []struct {
			what string
			args []string
		}{
			{"archive", []string{"build", "app", "1", "--output", "again.tar"}},
			{"push", []string{"build", "app", "1", "--push", b.target.host + "/labring/app:1"}},
			{"registry directory", []string{"registry", "save", "--images", "one:1", "--platform", "linux/amd64,linux/arm64", "--registry-dir", "registry"}},
		} {
			for _, name := range []string{"again.tar", "registry"} {
				if err := os.RemoveAll(filepath.Join(b.dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			b.target.next = newServer(t).next
			flipped := b.flip(t, silent)
			if silent && c.what == "registry directory" {
				continue // hard links: nothing is read, "store check" finds it
			}
			run(c.args...)
			if got, err := sumOf(flipped); err != nil || got != filepath.Base(flipped) {
				t.Errorf("%s, silent %v: the blob is still damaged (%v)", c.what, silent, err)
			}
			if got, err := sumOf(filepath.Join(b.dir, "again.tar")); err == nil && got != want {
				t.Errorf("%s, silent %v: another archive", c.what, silent)
			}
			if c.what == "registry directory" {
				b.verify(t, "registry")
			}
		}
	}
}

// flip changes a bit of the store's largest blob; a silent one leaves the file's time as it was.
func (b bench) flip(t *testing.T, silent bool) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(b.dir, "cache", "cluster-image", "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var largest string
	var size int64
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Size() > size {
			largest, size = name, info.Size()
		}
	}
	before, err := os.Stat(largest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(largest, 0o644); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(largest)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	when := before.ModTime()
	if !silent {
		when = when.Add(time.Second)
	}
	if err := os.WriteFile(largest, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(largest, when, when); err != nil {
		t.Fatal(err)
	}
	return largest
}

// TestSaveMendsWhatItCopies saves to another file system, where blobs are copied and not linked: a bit that was flipped without a trace is noticed then.
func TestSaveMendsWhatItCopies(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\n", "one:1\n")
	b.image(t, "library/one:1", 5_000_000)
	b.small(t, "elsewhere", "size=64m")
	save := func(dir string) string {
		t.Helper()
		out, err := b.command(t.Context(), "registry", "save", "--images", "one:1", "--platform", "linux/amd64,linux/arm64", "--registry-dir", dir, "--progress=plain").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	save("elsewhere/first")
	flipped := b.flip(t, true)
	if out := save("elsewhere/second"); !strings.Contains(out, "it is fetched again") {
		t.Errorf("got %s", out)
	}
	if got, err := sumOf(flipped); err != nil || got != filepath.Base(flipped) {
		t.Errorf("the blob is still damaged: %v", err)
	}
	b.verify(t, "elsewhere/second")
}

func (b bench) verify(t *testing.T, dir string) {
	t.Helper()
	cmd := b.command(t.Context())
	cmd.Args = []string{cmd.Path, "registry", "verify", dir}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
