package registrydir_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

func TestWriteIsWhatFilesSay(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := filepath.Join(t.TempDir(), "new", "registry")
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	diffFiles(t, onDisk(t, dir), contents(t, d))
	back, err := registrydir.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	diffFiles(t, contents(t, back), contents(t, d))
	if back.Size() != d.Size() || back.Len() != d.Len() {
		t.Errorf("%d blobs of %d bytes were read, %d of %d written", back.Len(), back.Size(), d.Len(), d.Size())
	}
	if err := back.Verify(t.Context(), amd64); err != nil {
		t.Error(err)
	}
}

// TestCopy writes a directory that was read.
func TestCopy(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	first, second := t.TempDir(), t.TempDir()
	if err := d.Write(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	back, err := registrydir.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Write(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	diffFiles(t, onDisk(t, second), contents(t, d))
}

func TestMoves(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	dir := t.TempDir()
	amd, arm, newer := s.Image(registrydirtest.OCI, amd64, "a"), s.Image(registrydirtest.OCI, "linux/arm64/v8", "b"), s.Image(registrydirtest.OCI, amd64, "c")
	of := func(x, y registrydir.Image) *registrydir.Dir {
		return mustNew(t, []registrydir.Image{registrydirtest.As("x:1", x, nil), registrydirtest.As("y:1", y, nil)}, s)
	}
	if got := of(amd, amd).Moves(dir, amd64); got != nil {
		t.Errorf("an empty directory: %v", got)
	}
	if err := of(amd, amd).Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := of(amd, newer).Moves(dir, amd64); got != nil {
		t.Errorf("a tag that moved: %v", got)
	}
	whole := mustNew(t, []registrydir.Image{registrydirtest.As("y:1", registrydir.Image{Manifest: *s.Index(registrydirtest.OCI, amd, arm)}, nil)}, s)
	all := t.TempDir()
	if err := whole.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if got := of(amd, amd).Moves(all, amd64); !slices.Equal(got, []registrydir.Moved{{Name: "library/y:1"}}) {
		t.Errorf("an index: %v", got)
	}
	if got := of(amd, arm).Moves(dir, "linux/arm64"); !slices.Equal(got, []registrydir.Moved{{Name: "library/y:1", Platform: amd64}}) {
		t.Errorf("another platform: %v", got)
	}
}

func TestWriteAgainTouchesNothing(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := t.TempDir()
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	old := time.Unix(1000, 0)
	for path := range contents(t, d) {
		if err := os.Chtimes(filepath.Join(dir, path), old, old); err != nil {
			t.Fatal(err)
		}
	}
	exports := s.Exports()
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if s.Exports() != exports {
		t.Errorf("%d blobs were exported again", s.Exports()-exports)
	}
	for path := range contents(t, d) {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(old) {
			t.Errorf("%s was written again", path)
		}
	}
}

func TestWriteMendsWhatIsCutOff(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := t.TempDir()
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for path, text := range contents(t, d) {
		wrong := text[:len(text)/2]
		if strings.HasSuffix(path, "/link") {
			wrong = strings.Repeat("x", len(text))
		}
		path = filepath.Join(dir, path)
		if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(wrong), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	diffFiles(t, onDisk(t, dir), contents(t, d))
}

// TestMovedTag writes x:1 twice with different content: the tag moves, what was there stays until Prune.
func TestMovedTag(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	one := mustNew(t, []registrydir.Image{
		registrydirtest.As("x:1", s.Image(registrydirtest.OCI, amd64, "old"), nil),
		registrydirtest.As("gone/gone:1", s.Image(registrydirtest.OCI, amd64, "gone"), nil),
	}, s)
	two := mustNew(t, []registrydir.Image{registrydirtest.As("x:1", s.Image(registrydirtest.OCI, amd64, "new"), nil)}, s)
	dir := t.TempDir()
	for _, d := range []*registrydir.Dir{one, two} {
		if err := d.Write(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
	const current = "docker/registry/v2/repositories/library/x/_manifests/tags/1/current/link"
	got, want := onDisk(t, dir), contents(t, one)
	for path, text := range contents(t, two) {
		want[path] = text
	}
	diffFiles(t, got, want)
	if got[current] != contents(t, two)[current] {
		t.Error("the tag did not move")
	}
	if _, err := registrydir.Read(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := two.Prune(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	want = contents(t, two)
	want["README"] = "mine"
	diffFiles(t, onDisk(t, dir), want)
	if _, err := os.Stat(filepath.Join(dir, "docker/registry/v2/repositories/gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory stays: %v", err)
	}
}

// TestBrokenOffAnywhere fails at each blob in turn: what is there can be read and is whole, and another run completes it.
func TestBrokenOffAnywhere(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		s := registrydirtest.NewStore()
		d := mustNew(t, sample(s), s)
		dir := t.TempDir()
		s.FailAfter = n
		err := d.Write(t.Context(), dir)
		if err == nil {
			if n < d.Len() {
				t.Errorf("%d exports were enough", n)
			}
			return
		}
		if !errors.Is(err, registrydirtest.ErrFail) {
			t.Fatal(err)
		}
		back, err := registrydir.Read(dir)
		if err != nil || !back.Empty() {
			t.Errorf("after %d blobs: %v", n, err)
		}
		s.FailAfter = 0
		if err := d.Write(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		diffFiles(t, onDisk(t, dir), contents(t, d))
	}
}

// countdown is a context that ends after some looks at it.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancelledAnywhere ends the context at each step of links and tags: every tag that is there is whole.
func TestCancelledAnywhere(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	want := contents(t, d)
	full := t.TempDir()
	if err := d.Write(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		dir := t.TempDir()
		for path, text := range want { // the blobs are there: what follows is one goroutine
			if strings.Contains(path, "/blobs/") {
				path = filepath.Join(dir, path)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
		}
		ctx := &countdown{Context: t.Context()}
		ctx.left.Store(int64(2*d.Len() + n))
		err := d.Write(ctx, dir)
		back, readErr := registrydir.Read(dir)
		if readErr != nil {
			t.Fatalf("after %d steps: %v", n, readErr)
		}
		var incomplete *registrydir.DefectsError
		if verr := back.Verify(t.Context(), amd64); errors.As(verr, &incomplete) {
			for _, defect := range incomplete.Defects {
				if strings.Contains(defect.Where, ":") && !strings.Contains(defect.Where, "@") {
					t.Errorf("after %d steps a tag is there and %s", n, defect)
				}
			}
		}
		if err == nil {
			diffFiles(t, onDisk(t, dir), want)
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

func TestWriteRefusesLinks(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	paths := []string{"docker", "docker/registry", "docker/registry/v2", "docker/registry/v2/blobs"}
	paths = append(paths, slices.Sorted(func(yield func(string) bool) {
		for path := range contents(t, d) {
			if !yield(path) {
				return
			}
		}
	})...)
	for _, path := range paths {
		dir, outside := t.TempDir(), t.TempDir()
		at := filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.Symlink(outside, at)); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), dir); err == nil {
			t.Errorf("a symbolic link %s was followed or replaced", path)
		}
		if left := onDisk(t, outside); len(left) > 0 {
			t.Errorf("%s: written outside: %v", path, left)
		}
	}
}

// TestOneAtATime has a second run wait for the first.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := t.TempDir()
	done := make(chan error)
	for range 4 {
		go func() { done <- d.Write(t.Context(), dir) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	diffFiles(t, onDisk(t, dir), contents(t, d))
}
