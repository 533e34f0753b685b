package registry_test

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
)

// fileLayer is a layer whose blob lies in a file.
type fileLayer struct {
	path  string
	blob  []byte
	facts layer.Facts
	opens atomic.Int64
}

func newFileLayer(t *testing.T, size int) *fileLayer {
	t.Helper()
	l := &fileLayer{path: filepath.Join(t.TempDir(), "blob"), blob: content(size)}
	if err := os.WriteFile(l.path, l.blob, 0o644); err != nil {
		t.Fatal(err)
	}
	h := layer.NewHasher(descriptor(l.blob).Digest, int64(size))
	h.Write(l.blob)
	var err error
	if l.facts, err = h.Facts(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *fileLayer) desc() v1.Descriptor {
	return v1.Descriptor{MediaType: types.OCILayer, Digest: l.facts.Digest, Size: l.facts.Size}
}

func (l *fileLayer) open() (io.ReadCloser, error) {
	l.opens.Add(1)
	f, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	r, err := layer.NewFileReader(descriptor(l.blob).Digest, int64(len(l.blob)), f, l.facts.Checksum)
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// overTCP is a client and a real server with faults before it.
func overTCP(t *testing.T) (*registry.Client, reference.Reference, *registrytest.Faults) {
	t.Helper()
	faults := &registrytest.Faults{Next: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))}
	s := httptest.NewServer(faults)
	t.Cleanup(s.Close)
	c, err := registry.New(registry.Options{Clock: registrytest.NewClock()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, reference.Reference{Host: s.Listener.Addr().String(), Path: "a/b"}, faults
}

// TestPutBlobOutOfAFile sends layers whose blobs go from a file to the connection past the program, where the system can.
func TestPutBlobOutOfAFile(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]func(*registrytest.Faults){
		"plain":                 func(*registrytest.Faults) {},
		"refused early":         func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Status(503)) },
		"refused at the end":    func(f *registrytest.Faults) { f.On("PUT", "uploads/", readThen(500)) },
		"reset":                 func(f *registrytest.Faults) { f.On("PUT", "uploads/", reset) },
		"too large, then parts": func(f *registrytest.Faults) { f.On("PUT", "uploads/", registrytest.Status(413)) },
	} {
		for _, size := range []int{70_000, 3_456_789} {
			if size == 70_000 && strings.Contains(name, "parts") {
				continue // there are no parts of that
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c, repo, faults := overTCP(t)
				l := newFileLayer(t, size)
				script(faults)
				var sum atomic.Int64
				if err := c.PutBlob(t.Context(), repo, l.desc(), l.open, func(n int64) { sum.Add(n) }); err != nil {
					t.Fatal(err)
				}
				if sum.Load() != l.facts.Size {
					t.Errorf("progress says %d of %d bytes", sum.Load(), l.facts.Size)
				}
				got, err := c.ReadBlob(t.Context(), repo, l.desc(), l.facts.Size)
				if err != nil || int64(len(got)) != l.facts.Size {
					t.Errorf("the registry has %d of %d bytes: %v", len(got), l.facts.Size, err)
				}
				if want := int64(1); name == "plain" && l.opens.Load() != want {
					t.Errorf("the file was opened %d times", l.opens.Load())
				}
			})
		}
	}
}

// readThen takes the whole body before it answers.
func readThen(status int) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	}
}

// TestPutBlobOutOfAFileThatIsCut has a file that becomes shorter while it is sent.
func TestPutBlobOutOfAFileThatIsCut(t *testing.T) {
	t.Parallel()
	c, repo, faults := overTCP(t)
	l := newFileLayer(t, 15_000_000)
	faults.On("PUT", "uploads/", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		io.CopyN(io.Discard, r.Body, 1000)
		if err := os.Truncate(l.path, 14_000_000); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			t.Error("the body is whole")
		}
	})
	err := c.PutBlob(t.Context(), repo, l.desc(), l.open, nil)
	if !errors.Is(err, layer.ErrLength) {
		t.Errorf("got %v", err)
	}
}

// TestPutBlobToOneThatDoesNotRead ends though the registry answers at once and takes nothing of the body.
func TestPutBlobToOneThatDoesNotRead(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go func() {
				head := make([]byte, 8)
				io.ReadFull(c, head)
				rest := make([]byte, 4096) // the headers, and what came along
				c.Read(rest)
				if bytes.HasPrefix(head, []byte("POST")) {
					io.WriteString(c, "HTTP/1.1 202 Accepted\r\nLocation: /v2/a/b/blobs/uploads/1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
					c.Close()
					return
				}
				io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") // and keeps the connection
			}()
		}
	}()
	client, err := registry.New(registry.Options{Clock: registrytest.NewClock()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l := newFileLayer(t, 20_000_000)
	err = client.PutBlob(t.Context(), reference.Reference{Host: listener.Addr().String(), Path: "a/b"}, l.desc(), l.open, nil)
	if !errors.Is(err, registry.ErrDenied) || !strings.Contains(err.Error(), "upload blob") {
		t.Errorf("got %v", err)
	}
}
