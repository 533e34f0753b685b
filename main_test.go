package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asProgram makes the test binary the program itself: with its hidden commands, and under the names of the tools that it brings.
const asProgram = "CLUSTER_IMAGE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || isHelper(os.Args) {
		os.Exit(run(os.Args))
	}
	os.Exit(m.Run())
}

// isHelper says that the program was started by itself, with an environment of its own making.
func isHelper(argv []string) bool {
	switch filepath.Base(argv[0]) {
	case "helm", "yq", "jq", "cluster-image":
		return true
	}
	return len(argv) > 1 && (argv[1] == "render-chart" || argv[1] == "sandbox-exec")
}

// demoDigest is what the demo ends with on every machine. It changes when what the demo builds changes, or the form of images does.
const demoDigest = "sha256:74205ce941e661962691a33ea15873fd6bb7317bba82671a39b7995d55378713"

func TestDemo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed: recipes are bash scripts")
	}
	dir := filepath.Join(t.TempDir(), "kept")
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(os.Args[0], "demo", "--keep", dir)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+t.TempDir())
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if got := strings.TrimSpace(stdout.String()); got != demoDigest {
		t.Errorf("digest %s, want %s", got, demoDigest)
	}
	for _, line := range []string{
		"since charts/hello/templates/deployment.yaml:19 (chart hello 0.4.2, the start command) asks for it",
		"linux/arm64 registry.k8s.io/example/gateway:v2.1.0: asked for example/gateway:v2.1.0: got sha256:",
	} {
		if !strings.Contains(stderr.String(), line) {
			t.Errorf("the demo does not tell %q:\n%s", line, stderr.String())
		}
	}
	for _, name := range []string{"applications/hello/latest/init.sh", "contexts/linux-arm64/opt/hello", "hello-1.0.0.tar"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("not kept: %v", err)
		}
	}
}
