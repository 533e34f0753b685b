package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// kills is how many runs are killed.
const kills = 36

// bench is a program with a recipe, a source and a registry to push to.
type bench struct {
	dir, bin       string
	source, target *server
}

func newBench(t testing.TB, dir, kubefile, images string) bench {
	b := bench{dir: dir, bin: programDir(t), source: newServer(t), target: newServer(t)}
	b.file(t, "applications/app/latest/Kubefile", kubefile)
	b.file(t, "applications/app/latest/images/shim/app", images)
	return b
}

func (b bench) file(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (b bench) image(t testing.TB, name string, size int) {
	t.Helper()
	if _, _, err := (sample{name: name, platforms: []string{"amd64", "arm64"}, size: size}).push(b.source); err != nil {
		t.Fatal(err)
	}
}

// command is a run of the program; what docker.io has is the source's.
func (b bench) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "cluster-image"), append(args, "--mirror=docker.io="+b.source.host)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "HOME="+b.dir, "XDG_CACHE_HOME="+filepath.Join(b.dir, "cache"), "HTTPS_PROXY=http://127.0.0.1:1")
	return cmd
}

// TestKilled kills runs of a whole build with a push at moments that requests and lines of output mark, runs them again, and finds the image that an
// undisturbed build makes, and never a part of a file under its final name.
func TestKilled(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "one:1\ntwo:1\n")
	b.image(t, "library/one:1", 4_500_000)
	b.image(t, "library/two:1", 50_000)
	moments := b.moments(t)
	archive, err := sumOf(filepath.Join(b.dir, "out.tar"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(2, 7))
	want := ""
	for i := range kills {
		if i%4 == 0 { // from nothing; the other runs go on from what the killed ones left
			for _, dir := range []string{"cache", "out.tar"} {
				if err := os.RemoveAll(filepath.Join(b.dir, dir)); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.target.next = newServer(t).next
		at := 1 + random.IntN(moments)
		b.killAt(t, int64(at))
		b.whole(t, archive)
		if i%4 != 3 {
			continue
		}
		out, err := b.build(t.Context()).Output()
		if err != nil {
			t.Fatalf("after a kill at moment %d of %d: %v", at, moments, err)
		}
		_, digest, _ := strings.Cut(strings.TrimSpace(string(out)), "@")
		if want == "" {
			want = digest
		}
		if digest != want || digest == "" {
			t.Fatalf("after a kill at moment %d: %s, want %s", at, digest, want)
		}
		b.whole(t, archive)
		b.tidy(t)
	}
}

func (b bench) build(ctx context.Context) *exec.Cmd {
	return b.command(ctx, "build", "app", "1", "--output", "out.tar", "--push", b.target.host+"/labring/app:1", "--progress=json")
}

// moments counts the moments of an undisturbed build: requests at both registries, and lines of progress.
func (b bench) moments(t *testing.T) int {
	t.Helper()
	var n atomic.Int64
	count := func() { n.Add(1) }
	if err := b.observe(t, b.build(t.Context()), count); err != nil {
		t.Fatal(err)
	}
	return int(n.Load())
}

// killAt kills a build at a moment. One that has fewer of them this time ends well.
func (b bench) killAt(t *testing.T, at int64) {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var n atomic.Int64
	err := b.observe(t, b.build(ctx), func() {
		if n.Add(1) == at {
			kill()
		}
	})
	if err != nil && n.Load() < at {
		t.Fatalf("a build that was to be killed at moment %d failed at %d: %v", at, n.Load(), err)
	}
}

// observe runs a build and calls f at each of its moments.
func (b bench) observe(t *testing.T, cmd *exec.Cmd, f func()) error {
	t.Helper()
	for _, s := range []*server{b.source, b.target} {
		s.watch(func(*http.Request) { f() })
		defer s.watch(nil)
	}
	cmd.Stderr = lineFunc(f)
	return cmd.Run()
}

// lineFunc is a writer that calls itself for each line.
type lineFunc func()

func (f lineFunc) Write(p []byte) (int, error) {
	for range strings.Count(string(p), "\n") {
		f()
	}
	return len(p), nil
}

// whole checks that what has a final name is whole: blobs of the store by their digests, and the archive, where there is one, by its sum.
func (b bench) whole(t *testing.T, archive string) {
	t.Helper()
	blobs := filepath.Join(b.dir, "cache", "cluster-image", "blobs", "sha256")
	err := filepath.WalkDir(blobs, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || len(e.Name()) != sha256.Size*2 {
			return err
		}
		if got, err := sumOf(path); err != nil || got != e.Name() {
			t.Errorf("blob %s has the content of %s, %v", path, got, err)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if got, err := sumOf(filepath.Join(b.dir, "out.tar")); err == nil && got != archive {
		t.Errorf("after a kill the archive is not the one of an undisturbed build")
	}
}

// sumOf is the sha256 of a file.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// tidy checks that a run that ended well has cleared away what killed ones left.
func (b bench) tidy(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(b.dir, "cache", "cluster-image", "work"))
	if err != nil || len(left) > 0 {
		t.Errorf("work directories are left: %v %v", left, err)
	}
	names, err := filepath.Glob(filepath.Join(b.dir, "*"))
	if err != nil || len(names) != 3 { // applications, cache, out.tar
		t.Errorf("beside the archive: %v %v", names, err)
	}
	hidden, err := filepath.Glob(filepath.Join(b.dir, ".*"))
	if err != nil || len(hidden) > 0 {
		t.Errorf("beside the archive: %v %v", hidden, err)
	}
}
