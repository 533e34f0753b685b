package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// server is a registry on this machine with its content in a directory of its own, which is given back with it.
type server struct {
	host, kind string
	dir        string
	stop       func()
}

func (s *server) close() {
	s.stop()
	retire(s.dir)
}

// registryProgram is the installed registry: docker-registry is what Debian calls it.
func registryProgram() string {
	path, err := exec.LookPath("docker-registry")
	if err != nil {
		return ""
	}
	return path
}

// startServer starts a registry with its content below parent: the installed docker-registry, else one in this process that keeps blobs on disk.
func startServer(ctx context.Context, parent string) (*server, error) {
	dir, err := os.MkdirTemp(parent, "registry-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	path := registryProgram()
	if path == "" {
		return startOwn(dir)
	}
	for range 3 { // the port may be taken between the look for a free one and its use
		s, bad := startInstalled(ctx, path, dir)
		if bad == nil {
			return s, nil
		}
		err = bad
	}
	return nil, err
}

func startOwn(dir string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	handler := registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(dir)), registry.Logger(log.New(io.Discard, "", 0)))
	web := &http.Server{Handler: handler}
	go web.Serve(l)
	return &server{host: l.Addr().String(), kind: "go-containerregistry", dir: dir, stop: func() { web.Close() }}, nil
}

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: %q, maxthreads: 100}
http: {addr: %q}
`

func startInstalled(ctx context.Context, path, dir string) (*server, error) {
	host, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, registryConfig, filepath.Join(dir, "data"), host), 0o644); err != nil {
		return nil, fmt.Errorf("write configuration of registry: %w", err)
	}
	cmd := exec.Command(path, "serve", config)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "REGISTRY_") || strings.HasPrefix(v, "OTEL_") })
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	s := &server{host: host, kind: "docker-registry", dir: dir, stop: func() { cmd.Process.Kill(); cmd.Wait() }}
	if err := waitFor(ctx, host); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// waitFor waits until a registry answers.
func waitFor(ctx context.Context, host string) error {
	for range 500 {
		resp, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("the registry at " + host + " does not answer")
}
