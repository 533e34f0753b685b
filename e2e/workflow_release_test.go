package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
)

// TestRelease plays a release of a tag, with stand-ins for what reaches beyond this machine: what is compiled is what is published, with checksums that
// hold, and the tool image is made by the module under that tag.
func TestRelease(t *testing.T) {
	t.Parallel()
	p := newPlay(t, githubtest.New(t), nil)
	calls := filepath.Join(t.TempDir(), "calls")
	note := "#!/bin/bash\necho \"${0##*/} $*\" >> " + calls + "\n"
	for tool, script := range map[string]string{
		// The compiler leaves what it was asked for, so that equal files would show.
		"go": "for last; do :; done\n[ \"$1\" = test ] && exit\nwhile [ \"$1\" != -o ]; do flags+=\"$1 \"; shift; done\n" +
			"echo \"$GOOS/$GOARCH cgo=$CGO_ENABLED $flags\" > \"$2\"\n",
		"gh":     "for f in dist/*; do echo \"published $f\" >> " + calls + "; done\n",
		"docker": "cat > /dev/null\n",
		"dagger": "",
		"curl":   "touch dagger.tar.gz\n", "tar": "", // the installation of dagger
	} {
		writeFile(t, filepath.Join(p.stub, tool), note+script, 0o755)
	}
	// The checksums are real, but for that of the archive that is not fetched here.
	writeFile(t, filepath.Join(p.stub, "sha256sum"), "#!/bin/bash\n[ \"$*\" = '--check --strict' ] && exec cat > /dev/null\nPATH=${PATH#*:} exec sha256sum \"$@\"\n", 0o755)
	p.ref = "v1.2.3"
	jobs := p.fire("release.yml", "push", map[string]any{"repository": repositoryOf()})
	for _, id := range []string{"programs", "publish", "tool-image"} {
		if jobs[id].result != "success" {
			t.Fatalf("%s: %+v\n%s", id, jobs, p.log())
		}
	}
	log, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"go test ./...", "published dist/checksums.txt",
		"published dist/cluster-image_linux_amd64", "published dist/cluster-image_linux_arm64", "published dist/cluster-image_darwin_amd64", "published dist/cluster-image_darwin_arm64",
		"gh release create v1.2.3 ", "--verify-tag", "docker login ghcr.io --username",
		"dagger call -m github.com/" + githubtest.Repository + "@v1.2.3 toolbox publish --address ghcr.io/" + githubtest.Repository + "-tool:v1.2.3",
	} {
		if !strings.Contains(string(log), want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	dist := p.artifacts["dist"]
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		b, err := os.ReadFile(filepath.Join(dist, "cluster-image_"+strings.ReplaceAll(platform, "/", "_")))
		if want := platform + " cgo=0 build -trimpath -ldflags -s -w -X main.version=v1.2.3 \n"; err != nil || string(b) != want {
			t.Errorf("%s was compiled as %q, %v; want %q", platform, b, err, want)
		}
	}
	if strings.Contains(p.log(), "workflow-token") {
		t.Error("the token is in the output")
	}
}
