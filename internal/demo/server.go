package demo

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// loopback is where only this machine reaches a server.
const loopback = "127.0.0.1"

// server is an HTTP server on a free port.
type server struct {
	// host is where it listens, as an image reference spells it: 127.0.0.1:port.
	host string
	http *http.Server
}

func serve(address string, h http.Handler) (*server, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	s := &server{host: l.Addr().String(), http: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}}
	go func() { _ = s.http.Serve(l) }()
	return s, nil
}

func (s *server) url() string { return "http://" + s.host }

// Close ends the server and its connections.
func (s *server) Close() error { return s.http.Close() }

// newRegistry is an empty registry in memory.
func newRegistry() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)))
}
