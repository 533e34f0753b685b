package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigCoreDNS runs the start command of the image of configuration, with a kubectl that notes what it is asked.
func TestConfigCoreDNS(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	bin := t.TempDir()
	calls := filepath.Join(bin, "calls")
	writeFile(t, filepath.Join(bin, "kubectl"), "#!"+bash+"\necho \"$*\" >> "+calls+"\n", 0o755)
	for replicas, want := range map[string]string{"3": "--replicas 3\n", "0": "", "-1": "", "2;id": "", "": "--replicas 2\n"} {
		_ = os.Remove(calls)
		cmd := exec.Command(bash, "../configs/coredns-replicas/latest/opt/coredns.sh")
		cmd.Env = []string{"PATH=" + bin, "REPLICAS=" + replicas}
		out, err := cmd.CombinedOutput()
		asked, _ := os.ReadFile(calls)
		if (err == nil) != (want != "") || !strings.Contains(string(asked), want) || want == "" && len(asked) > 0 {
			t.Errorf("REPLICAS=%q: %v, %s, kubectl was asked\n%s", replicas, err, out, asked)
		}
	}
}

// TestDockerImages carries out the recipes of container images with a server in the place of their projects': what is fetched is checked, and the image
// without a base is made in process.
func TestDockerImages(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	for _, arch := range []string{"amd64", "arm64"} {
		files["/containernetworking/plugins/releases/download/v1.6.0/cni-plugins-linux-"+arch+"-v1.6.0.tgz"] = packed(t, map[string]string{
			"./bridge": "#!/bin/sh\necho bridge for " + arch + "\n", "./LICENSE": "text", "./README.md": "text",
		})
		files["/release/v1.31.4/bin/linux/"+arch+"/kubectl"] = []byte("#!/bin/sh\necho kubectl for " + arch + "\n")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, sum := strings.CutSuffix(r.URL.Path, ".sha256")
		b, ok := files[name]
		switch {
		case !ok:
			http.NotFound(w, r)
		case sum:
			fmt.Fprintf(w, "%x\n", sha256.Sum256(b))
		default:
			_, _ = w.Write(b)
		}
	}))
	t.Cleanup(server.Close)
	dir, bin := t.TempDir(), programDir(t)
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	build := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, "cluster-image"), append([]string{"build", "--kind", "dockerimages", "--progress", "quiet"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), catalogueDir+"="+root, "HOME="+dir, "XDG_CACHE_HOME="+dir, "RECIPE_GITHUB="+server.URL, "RECIPE_DL_K8S="+server.URL)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("build %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	first := build("cni-plugins", "v1.6.0", "--output", "first.tar")
	if again := build("cni-plugins", "v1.6.0", "--output", "again.tar", "--cache", "empty"); !strings.HasPrefix(first, "localhost/cni-plugins:v1.6.0@sha256:") || again != first {
		t.Errorf("%q, then %q", first, again)
	}
	build("curl-kubectl", "v1.31.4", "--dry-run")
}

// packed is a tar archive, compressed.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
