// Bench measures cluster-image beside the tools that people use for the same job: it makes a set of images in a registry of its own on this machine,
// lets every tool save it, and those that can build and push a cluster image of it, compares what they left digest by digest, and prints one table.
//
//	go run ./scripts/bench
//
// See README.md beside this file.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	if len(os.Args) > 1 {
		if run, ok := hidden()[os.Args[1]]; ok {
			os.Exit(run(os.Args[2:]))
		}
	}
	os.Exit(run(os.Args[1:]))
}

// hidden are the modes in which the program starts itself.
func hidden() map[string]func([]string) int {
	return map[string]func([]string) int{starterMode: starter, hashMode: hashBytes, insideMode: inside}
}

// run prepares what must be done in the machine's own network, and measures in one that nobody else is in.
func run(args []string) int {
	o, code := parse(args, os.Stderr)
	if o == nil {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prepareAndMeasure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func prepareAndMeasure(ctx context.Context, o *options) error {
	if o.Dir != "" {
		var err error
		if o.Dir, err = filepath.Abs(o.Dir); err != nil { // tools run in directories of their own
			return err
		}
	}
	dir, err := os.MkdirTemp(o.Dir, "cluster-image-bench-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer os.RemoveAll(dir)
	o.work = dir
	if o.Serve {
		return serve(ctx, o)
	}
	if o.Binary == "" {
		if o.Binary, err = build(ctx, dir, os.Stderr); err != nil {
			return err
		}
	}
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return fmt.Errorf("find --binary: %w", err)
	}
	if reason := o.mayIsolate(); reason != "" {
		o.without("sealos", reason)
		return measureAll(ctx, o, os.Stdout)
	}
	return isolated(ctx, o)
}

// build makes the program from the sources.
func build(ctx context.Context, dir string, log io.Writer) (string, error) {
	path := filepath.Join(dir, "cluster-image")
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, "github.com/labring-actions/cluster-image")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build of cluster-image: %w (run this in the repository, or name a program with --binary)", err)
	}
	return path, nil
}
