package dagger

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// runnersVariable lists further engines, such as tcp://HOST:PORT and ssh://USER@HOST, parted by spaces.
const runnersVariable = "CLUSTER_IMAGE_E2E_RUNNERS"

// Engines on other machines give the same digest.
func TestRemoteRunners(t *testing.T) {
	runners := strings.Fields(os.Getenv(runnersVariable))
	if len(runners) == 0 {
		t.Skipf("no remote engine: set %s, for example to \"tcp://HOST:PORT ssh://USER@HOST\"", runnersVariable)
	}
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "first", pods("docker.io/library/one:1"))
	want := e.inProcess(t, from, recipes, "first")
	for _, runner := range runners {
		args := []string{"build", "first", "1.0.0", "--recipes", recipes, "--mirror", "docker.io=" + from.address, "--plain-http", from.address,
			"--engine", "dagger", "--runner", runner, "--module", e.root, "--progress", "plain", "--output", "first.tar"}
		got := run(t.Context(), t.TempDir(), nil, e.program, append(args, e.arguments()...)...).must(t)
		if !strings.HasSuffix(got, "@"+want) {
			t.Errorf("%s gives %s, want %s", runner, got, want)
		}
	}
}

// A finished tool image gives the digest that one built from the source gives.
func TestPrebuiltTool(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "first", pods("docker.io/library/one:1"))
	e.tool(t, from)
	got := e.call(t, from, recipes, nil, "build", "--app", "first", "--version", "1.0.0", "digest").must(t)
	if want := e.inProcess(t, from, recipes, "first"); got != want {
		t.Errorf("with %s the digest is %s, want %s", e.args, got, want)
	}
}

// A build that is interrupted stops its containers.
func TestCancelStopsTheContainers(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	began, ended := make(chan struct{}), make(chan struct{})
	server := &httptest.Server{Listener: listen(t), Config: &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	host, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	writeRecipe(t, recipes, "slow", map[string]string{"init.sh": "curl -sS http://" + net.JoinHostPort(host, port) + "/\n", "Kubefile": kubefile})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan outcome)
	go func() {
		done <- run(ctx, t.TempDir(), nil, e.program, append([]string{"build", "slow", "1.0.0", "--recipes", recipes, "--platform", "amd64",
			"--mirror", "docker.io=" + from.address, "--engine", "dagger", "--module", e.root, "--progress", "plain"}, e.arguments()...)...)
	}()
	select {
	case <-began:
	case o := <-done:
		t.Fatalf("the build ended by itself: %v\n%s", o.err, o.stderr)
	}
	cancel()
	if o := <-done; o.err == nil {
		t.Error("an interrupted build ended well")
	}
	<-ended // the test's own deadline ends a wait for a container that goes on
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
