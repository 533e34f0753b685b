package e2e

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// server is a registry in memory that counts what it is asked, can be told to give wrong answers, and can want a password.
type server struct {
	host string
	next http.Handler

	mu     sync.Mutex
	counts map[string]int
	faults map[string]fault
	layers map[string]bool
	login  string
	// seen is called with each request before it is answered; it may be nil.
	seen func(*http.Request)
}

// fault is what a registry does to the bytes of a blob.
type fault func(w http.ResponseWriter, r *http.Request, b []byte)

func newServer(t testing.TB) *server {
	s := &server{next: registry.New(registry.Logger(log.New(io.Discard, "", 0))), counts: map[string]int{}, faults: map[string]fault{}, layers: map[string]bool{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.host = strings.TrimPrefix(h.URL, "http://")
	return s
}

// ServeHTTP answers as a registry does, but for what the server was told otherwise.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	s.mu.Lock()
	s.counts[s.kind(r)]++
	f, seen, login := s.faults[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]], s.seen, s.login
	s.mu.Unlock()
	if seen != nil {
		seen(r)
	}
	switch {
	case login != "" && password != login:
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
	case f != nil && r.Method == http.MethodGet:
		rec := httptest.NewRecorder()
		plain := r.Clone(r.Context())
		plain.Header.Del("Range")
		s.next.ServeHTTP(rec, plain)
		f(w, r, rec.Body.Bytes())
	default:
		s.next.ServeHTTP(w, r)
	}
}

// kind says what is asked: layers (their bytes), other blobs, manifests, uploads, mounts or puts of manifests.
func (s *server) kind(r *http.Request) string {
	switch p := r.URL.Path; {
	case r.Method == http.MethodPost && r.URL.Query().Has("mount"):
		return "mounts"
	case strings.Contains(p, "/blobs/uploads/"):
		return "uploads"
	case s.layers[p[strings.LastIndex(p, "/")+1:]] && r.Method == http.MethodGet:
		return "layers"
	case strings.Contains(p, "/blobs/") && r.Method == http.MethodGet:
		return "blobs"
	case strings.Contains(p, "/manifests/") && r.Method == http.MethodPut:
		return "puts"
	case strings.Contains(p, "/manifests/"):
		return "manifests"
	}
	return "other"
}

// count is how many requests of a kind there were.
func (s *server) count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[kind]
}

func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
}

func (s *server) watch(f func(*http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = f
}

// wrong are the faults a blob can have; any other word is none.
var wrong = map[string]fault{
	"digest": func(w http.ResponseWriter, r *http.Request, b []byte) {
		b[len(b)/2]++
		_, _ = w.Write(b)
	},
	"truncated": func(w http.ResponseWriter, r *http.Request, b []byte) { _, _ = w.Write(b[:len(b)/2]) },
}

func (s *server) fail(digest, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[digest] = wrong[how]
}
