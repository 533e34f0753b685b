// Cluster-image builds cluster images: OCI images that install an application on a Kubernetes cluster with everything it needs.
package main

import (
	"context"
	"embed"
	"os"
	"os/signal"
	"syscall"

	"github.com/labring-actions/cluster-image/internal/cli"
	"github.com/labring-actions/cluster-image/internal/render/helm"
	"github.com/labring-actions/cluster-image/internal/sandbox"
	"github.com/labring-actions/cluster-image/internal/toolbox"
)

//go:embed all:applications all:configs all:dockerimages
var catalogue embed.FS

// version is set by the linker for a release.
var version string

func main() { os.Exit(run(os.Args)) }

// run hands over to what the program was called as: a tool of an init.sh by its name, a helper process of this program by a hidden command, or else
// the command line.
func run(argv []string) int {
	if code, ok := toolbox.Main(argv); ok {
		return code
	}
	if len(argv) > 1 {
		switch argv[1] {
		case cli.RenderCommand:
			return helm.Main(os.Stdin, os.Stdout)
		case sandbox.Command:
			return sandbox.Main(argv[2:])
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, argv[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: version, Catalogue: catalogue, InstallTools: toolbox.InstallSelf,
	})
}
