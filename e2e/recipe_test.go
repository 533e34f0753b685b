package e2e

import (
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// chart REGISTRY NAME:TAG FILE.tgz: the registry has the packed chart, as helm pushes it.
func addChart(ts *testscript.TestScript, _ bool, args []string) {
	repo, tag, _ := strings.Cut(args[1], ":")
	layer := static.NewLayer([]byte(ts.ReadFile(args[2])), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	img, err := mutate.AppendLayers(img, layer)
	ts.Check(err)
	to := worldOf(ts).registries[args[0]]
	ts.Check(to.putImage(repo, img))
	raw, err := img.RawManifest()
	ts.Check(err)
	ts.Check(to.put(repo, tag, types.OCIManifestSchema1, raw))
}

// unpublish REGISTRY NAME DIGEST: the registry has the manifest no longer.
func unpublish(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(worldOf(ts).registries[args[0]].send("DELETE", "/v2/"+args[1]+"/manifests/"+args[2], "", nil))
}

// downloads N: since the last such command, the file server was asked for so many files.
func downloads(ts *testscript.TestScript, _ bool, args []string) {
	f := worldOf(ts).files
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := strconv.Itoa(len(f.asked)); got != args[0] {
		ts.Fatalf("the file server was asked for %s files: %v", got, f.asked)
	}
	f.asked = nil
}

// repository DIR TAG: the directory is a git repository with that tag, served at $GIT as git itself does.
func repository(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	run := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		out, err := cmd.CombinedOutput()
		if err != nil {
			ts.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", ".")
	run("add", ".")
	run("commit", "-qm", "all", "--allow-empty")
	run("tag", "-f", args[1])
	backend := filepath.Join(run("--exec-path"), "git-http-backend")
	s := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}})
	ts.Defer(s.Close)
	ts.Setenv("GIT", s.URL+"/.git")
}
