package demo

import (
	"context"
	"fmt"
	"io/fs"
	"net"
)

// World is what the demo builds from, for builds that do not run in this process.
type World struct{ of *upstream }

// OpenWorld starts it at an address of this machine.
func OpenWorld(ctx context.Context, address string) (World, error) {
	u, err := newUpstream(ctx, address)
	return World{u}, err
}

// Registry is the port of the registry that stands for docker.io, quay.io, registry.k8s.io and ghcr.io.
func (w World) Registry() string { return w.of.registry.port() }

// Proxy is the port of the proxy for http, behind which charts.example.com and files.example.com are.
func (w World) Proxy() string { return w.of.web.port() }

// Recipes is the catalogue that the application of the demo is in.
func (w World) Recipes() (fs.FS, error) {
	files, err := fs.Sub(recipes, "applications")
	if err != nil {
		return nil, fmt.Errorf("open demo recipe: %w", err)
	}
	return files, nil
}

// Close ends it.
func (w World) Close() error { return w.of.Close() }

func (s *server) port() string {
	_, port, _ := net.SplitHostPort(s.host) // an address that was listened on
	return port
}
