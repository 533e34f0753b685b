// Package dagger calls the Dagger module on a real engine. It skips where none is named.
package dagger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Environment variables that say where the tests run.
const (
	// runnerVariable names the engine, as for every use of dagger.
	runnerVariable = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
	// hostVariable is the address at which containers of the engine reach this machine; an address of this machine when not set.
	hostVariable = "CLUSTER_IMAGE_E2E_HOST"
	// argumentsVariable holds further arguments of the module, such as --go-proxy=URL, parted by spaces.
	argumentsVariable = "CLUSTER_IMAGE_E2E_ARGUMENTS"
)

// engine calls the module of this checkout.
type engine struct {
	root    string
	program string
	args    []string
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	if os.Getenv(runnerVariable) == "" {
		t.Skipf("no Dagger engine: set %s, for example to tcp://HOST:PORT, and install the dagger CLI of the same version", runnerVariable)
	}
	if _, err := exec.LookPath("dagger"); err != nil {
		t.Skip("dagger is not installed: https://docs.dagger.io/install")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return &engine{root: root, program: program, args: strings.Fields(os.Getenv(argumentsVariable))}
}

// work is a directory for all tests, which TestMain makes.
var work string

func TestMain(m *testing.M) {
	var err error
	if work, err = os.MkdirTemp("", "cluster-image-e2e-*"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(work)
	os.Exit(code)
}

// program compiles the program once.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(work, "cluster-image")
	build := exec.Command("go", "build", "-o", file, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build program: %w\n%s", err, out)
	}
	return file, nil
})

// outcome is what a command left.
type outcome struct {
	stdout, stderr string
	err            error
}

func (o outcome) must(t *testing.T) string {
	t.Helper()
	if o.err != nil {
		t.Fatalf("%v\n%s\n%s", o.err, o.stdout, o.stderr)
	}
	return strings.TrimSpace(o.stdout)
}

func run(ctx context.Context, dir string, env []string, name string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	return outcome{stdout.String(), stderr.String(), err}
}

// call calls functions of the module, for recipes whose images come from a registry.
func (e *engine) call(t *testing.T, from *upstream, recipes string, env []string, args ...string) outcome {
	t.Helper()
	argv := append([]string{"call", "--progress=plain"}, e.args...)
	argv = append(argv, "--recipes", recipes, "--mirror", "docker.io="+from.address, "--plain-http", from.address)
	return run(t.Context(), e.root, env, "dagger", append(argv, args...)...)
}

// arguments are those of the module as flags of build --engine dagger.
func (e *engine) arguments() []string {
	var out []string
	for _, a := range e.args {
		out = append(out, "--engine-argument="+a)
	}
	return out
}

// inProcess builds without an engine and gives the digest.
func (e *engine) inProcess(t *testing.T, from *upstream, recipes, app string) string {
	t.Helper()
	out := run(t.Context(), t.TempDir(), nil, e.program, "build", app, "1.0.0", "--recipes", recipes, "--cache", t.TempDir(),
		"--mirror", "docker.io="+from.address, "--plain-http", from.address).must(t)
	_, digest, _ := strings.Cut(out, "@")
	return digest
}

// tool gives the engine a finished tool image, so that what a test gives as proxy is not used to make one.
func (e *engine) tool(t *testing.T, at *upstream) {
	t.Helper()
	given := func(arg string) bool { return strings.HasPrefix(arg, "--tool") }
	if slices.ContainsFunc(e.args, given) {
		return
	}
	if !strings.HasPrefix(os.Getenv(runnerVariable), "unix://") {
		t.Skipf("an engine takes an image without TLS from localhost alone: set %s to a unix:// address of this machine, or add --tool=IMAGE to %s",
			runnerVariable, argumentsVariable)
	}
	_, port, _ := net.SplitHostPort(at.local)
	tool := e.call(t, at, t.TempDir(), nil, "toolbox", "publish", "--address", "localhost:"+port+"/tool:1").must(t)
	e.args = append(slices.Clone(e.args), "--tool="+tool)
}

// thisMachine is the address at which containers reach this machine.
func thisMachine() (string, error) {
	if host := os.Getenv(hostVariable); host != "" {
		return host, nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String(), nil
		}
	}
	return "", errors.New("no address but loopback: set " + hostVariable)
}
