package source_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/source"
)

// gitServer serves a repository with a commit on main, a tag of it and an annotated tag of the next, as git itself does over HTTP.
func gitServer(t *testing.T) (address string, run func(args ...string) string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed: apt-get install git")
	}
	dir := t.TempDir()
	run = func(args ...string) string {
		t.Helper()
		cmd := exec.Command(git, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	backend := filepath.Join(run("--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("git-http-backend is not installed: apt-get install git")
	}
	run("init", "-q", "-b", "main", ".")
	for name, text := range map[string]string{"charts/x/Chart.yaml": "name: x\n", "tool.sh": "#!/bin/sh\n"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "tool.sh"), 0o755), os.Symlink("tool.sh", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	run("add", ".")
	run("commit", "-qm", "one")
	run("tag", "v1.0.0")
	if err := os.WriteFile(filepath.Join(dir, "more"), []byte("more\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("add", ".")
	run("commit", "-qm", "two")
	run("tag", "-a", "v2.0.0", "-m", "two")
	run("config", "uploadpack.allowAnySHA1InWant", "true")
	s := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}})
	t.Cleanup(s.Close)
	return s.URL + "/.git", run
}

func TestClone(t *testing.T) {
	t.Parallel()
	address, run := gitServer(t)
	first := run("rev-parse", "v1.0.0")
	for ref, want := range map[string]struct{ commit, files string }{
		"v1.0.0": {first, "charts/x/Chart.yaml link->tool.sh tool.sh*"},
		first:    {first, "charts/x/Chart.yaml link->tool.sh tool.sh*"},
		"v2.0.0": {run("rev-parse", "main"), "charts/x/Chart.yaml link->tool.sh more tool.sh*"},
		"main":   {run("rev-parse", "main"), "charts/x/Chart.yaml link->tool.sh more tool.sh*"},
	} {
		r, err := (&source.Client{}).Clone(t.Context(), address, ref, t.TempDir())
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		if got := files(t, r); r.Commit != want.commit || got != want.files {
			t.Errorf("%s: commit %s has %s, want %s with %s", ref, r.Commit, got, want.commit, want.files)
		}
	}
	client := &source.Client{Wait: func(context.Context, time.Duration) error { return nil }}
	if _, err := client.Clone(t.Context(), address, "v9", t.TempDir()); !errors.Is(err, source.ErrMissing) || !errors.Is(err, source.ErrSource) {
		t.Errorf("error %v", err)
	}
}

// files lists what a commit has.
func files(t *testing.T, r *source.Repository) string {
	t.Helper()
	var out []string
	err := r.Walk(t.Context(), func(i source.Item) error {
		name := i.Path
		if i.Mode&fs.ModeSymlink != 0 {
			name += "->" + i.Link
		} else if b, err := io.ReadAll(i.Content); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", i.Path, len(b), err)
		}
		if i.Mode&0o100 != 0 {
			name += "*"
		}
		out = append(out, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}
