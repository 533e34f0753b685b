package cluster_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/labring-actions/cluster-image/internal/cluster"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

func needTool(t *testing.T, tool, install string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is not installed: %s", tool, install)
	}
	return path
}

// cleanEnv has none of the variables that change what registries and sealos do.
func cleanEnv(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "SEALOS_RUNTIME_ROOT=" + home, "SEALOS_DATA_ROOT=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home}
}

var listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)

type watcher struct {
	log   bytes.Buffer
	found chan string
	told  bool
}

func (w *watcher) Write(p []byte) (int, error) {
	w.log.Write(p)
	if m := listening.FindSubmatch(w.log.Bytes()); m != nil && !w.told {
		w.found <- string(m[1])
		w.told = true
	}
	return len(p), nil
}

// dockerRegistry runs Debian's docker-registry over a directory and returns its address.
func dockerRegistry(t *testing.T, dir string) string {
	t.Helper()
	registry := needTool(t, "docker-registry", "apt-get install docker-registry")
	config := filepath.Join(t.TempDir(), "config.yml")
	text := "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\ncatalog: {maxentries: 2000}\nstorage: {filesystem: {rootdirectory: " + dir + "}}\nhttp: {addr: '127.0.0.1:0'}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, registry, "serve", config)
	cmd.Env = cleanEnv(t.TempDir())
	address := make(chan string, 1)
	cmd.Stderr = &watcher{found: address}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case a := <-address:
		return a
	case <-ended:
		t.Fatal("docker-registry ended at once")
	}
	return ""
}

// TestSealosSync has the real sealos copy the directory, served by us and by docker-registry, into an empty docker-registry, and asks that one.
func TestSealosSync(t *testing.T) {
	sealos := needTool(t, "sealos", "see https://github.com/labring/sealos/releases")
	needTool(t, "docker-registry", "apt-get install docker-registry")
	s := sample()
	for platform, d := range s.dirs(t) {
		if platform != amd64 {
			continue // sealos copies for the machine that it runs on; the tags are manifests, so arm64 differs in nothing
		}
		dir := t.TempDir()
		if err := d.Write(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		ours, stop, err := cluster.Serve(registrydir.Handler(d))
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		for name, source := range map[string]string{"our handler": ours, "docker-registry": dockerRegistry(t, dir)} {
			target := dockerRegistry(t, t.TempDir())
			sync := exec.CommandContext(t.Context(), sealos, "registry", "sync", source, target)
			sync.Env = cleanEnv(t.TempDir())
			out, err := sync.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", name, err, out)
			}
			c := cluster.NewClient(target)
			defer c.Close()
			results := cluster.Ask(t.Context(), c, platform, s.wants)
			if len(results) == 0 {
				t.Error("nothing was asked")
			}
			for _, r := range results {
				if r.Err != nil {
					t.Errorf("from %s: %s\n%s", name, r, out)
				}
			}
		}
	}
}
