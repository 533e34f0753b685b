package registrydir_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

func needTool(t testing.TB, tool, install string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is not installed: %s", tool, install)
	}
	return path
}

// cleanEnv is an environment without the REGISTRY_ variables that would change the registry's configuration.
func cleanEnv() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"} }

var listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)

// dockerRegistry runs Debian's docker-registry over a directory and returns its address.
func dockerRegistry(t testing.TB, dir string) string {
	t.Helper()
	registry := needTool(t, "docker-registry", "apt-get install docker-registry")
	config := filepath.Join(t.TempDir(), "config.yml")
	text := "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: " + dir + "}}\nhttp: {addr: '127.0.0.1:0'}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, registry, "serve", config)
	cmd.Env = cleanEnv()
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

// watcher looks for the address in a log.
type watcher struct {
	log   bytes.Buffer
	found chan string
}

func (w *watcher) Write(p []byte) (int, error) {
	w.log.Write(p)
	if m := listening.FindSubmatch(w.log.Bytes()); m != nil && w.found != nil {
		w.found <- string(m[1])
		w.found = nil
	}
	return len(p), nil
}

// forward is a handler that asks a registry elsewhere.
func forward(t testing.TB, address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := r.Clone(t.Context())
		to.RequestURI, to.URL.Scheme, to.URL.Host = "", "http", address
		answer, err := http.DefaultTransport.RoundTrip(to)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		for key, values := range answer.Header {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.StatusCode)
		var body bytes.Buffer
		_, _ = body.ReadFrom(answer.Body)
		_, _ = w.Write(body.Bytes())
	})
}

// TestDockerRegistryServesIt compares every answer of Debian's docker-registry over a written directory with ours.
func TestDockerRegistryServesIt(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := t.TempDir()
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	diffFiles(t, answers(t, registrydir.Handler(d), d), answers(t, forward(t, dockerRegistry(t, dir)), d))
}

// TestSkopeoCopies pulls every tag and every digest from our handler and from docker-registry, and looks at what came.
func TestSkopeoCopies(t *testing.T) {
	t.Parallel()
	skopeo := needTool(t, "skopeo", "apt-get install skopeo")
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := t.TempDir()
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registrydir.Handler(d))
	t.Cleanup(server.Close)
	entries, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{strings.TrimPrefix(server.URL, "http://"), dockerRegistry(t, dir)} {
		for _, e := range entries {
			if e.Platform == "" {
				continue
			}
			source := "docker://" + address + "/" + e.Repository
			if e.Tag != "" {
				source += ":" + e.Tag
			} else {
				source += "@" + e.Digest.String()
			}
			to := t.TempDir()
			copying := exec.CommandContext(t.Context(), skopeo, "--insecure-policy", "copy", "--src-tls-verify=false", "--preserve-digests", source, "dir:"+to)
			copying.Env = cleanEnv()
			if out, err := copying.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", source, err, out)
				continue
			}
			got, err := os.ReadFile(filepath.Join(to, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := s.Get(e.Digest); !bytes.Equal(got, want) {
				t.Errorf("%s: %s", source, got)
			}
		}
	}
}

// TestSkopeoLists has skopeo page through our tags.
func TestSkopeoLists(t *testing.T) {
	t.Parallel()
	skopeo := needTool(t, "skopeo", "apt-get install skopeo")
	s := registrydirtest.NewStore()
	server := httptest.NewServer(registrydir.Handler(mustNew(t, sample(s), s)))
	t.Cleanup(server.Close)
	list := exec.CommandContext(t.Context(), skopeo, "list-tags", "--tls-verify=false", "docker://"+strings.TrimPrefix(server.URL, "http://")+"/pause")
	list.Env = cleanEnv()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Tags []string }
	if err := json.Unmarshal(out, &got); err != nil || strings.Join(got.Tags, " ") != "3.9 3.9.1" {
		t.Errorf("%v: %s", err, out)
	}
}
