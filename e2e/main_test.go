// Package e2e runs the real program, as a process, against registries, chart repositories and file servers that live in the test.
package e2e

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/labring-actions/cluster-image/internal/cli"
	"github.com/labring-actions/cluster-image/internal/render/helm"
	"github.com/labring-actions/cluster-image/internal/sandbox"
	"github.com/labring-actions/cluster-image/internal/toolbox"
)

// TestMain makes the test's binary the program when it is called as such: by its name, by that of a tool, or with a hidden command.
func TestMain(m *testing.M) {
	if code, ok := program(os.Args); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// program does what main does.
func program(argv []string) (code int, ok bool) {
	if code, ok := toolbox.Main(argv); ok {
		return code, true
	}
	if len(argv) > 1 {
		switch argv[1] {
		case cli.RenderCommand:
			return helm.Main(os.Stdin, os.Stdout), true
		case sandbox.Command:
			return sandbox.Main(argv[2:]), true
		}
	}
	if filepath.Base(argv[0]) != toolbox.Self {
		return 0, false
	}
	defer reportPeak()
	catalogue := ".."
	if dir := os.Getenv(catalogueDir); dir != "" {
		catalogue = dir
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, argv[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: "v0.0.0-e2e", Catalogue: os.DirFS(catalogue), InstallTools: toolbox.InstallSelf,
	}), true
}

// catalogueDir is the variable with the directory whose recipes the program was compiled with.
const catalogueDir = "E2E_CATALOGUE"

// peakFile is the variable with the file that the program's process leaves the most memory in that it had. The kernel's account of an ended process
// cannot be taken: it begins with the memory of the process that started it.
const peakFile = "E2E_PEAK"

func reportPeak() {
	name := os.Getenv(peakFile)
	if name == "" {
		return
	}
	b, err := os.ReadFile("/proc/self/status")
	if err == nil {
		err = os.WriteFile(name, b, 0o600)
	}
	if err != nil {
		panic(err)
	}
}
