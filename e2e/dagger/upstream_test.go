package dagger

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// upstream is a registry that containers reach, and that counts what it is asked.
type upstream struct {
	address, local string
	blobs, all     atomic.Int64
	password       string
}

// newUpstream starts one; with a password it wants a login as user "pusher".
func newUpstream(t *testing.T, password string) *upstream {
	t.Helper()
	host, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{password: password}
	server := httptest.NewUnstartedServer(u.count(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	u.address, u.local = net.JoinHostPort(host, port), net.JoinHostPort("127.0.0.1", port)
	return u
}

func (u *upstream) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); u.password != "" && (user != "pusher" || password != u.password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		u.all.Add(1)
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			u.blobs.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// asked gives the numbers since the last time: reads of blobs, and requests of any kind.
func (u *upstream) asked() (blobs, all int64) { return u.blobs.Swap(0), u.all.Swap(0) }

// image stores an image of random bytes for both platforms, on top of the given layers.
func (u *upstream) image(t *testing.T, repository string, below ...v1.Layer) v1.ImageIndex {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := mutate.AppendLayers(empty.Image, append(below, layer(t))...)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.OS, config.Architecture = "linux", arch
		if img, err = mutate.ConfigFile(img, config); err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	u.push(t, repository, index)
	return index
}

// layer is a layer of random bytes.
func layer(t *testing.T) v1.Layer {
	t.Helper()
	l, err := random.Layer(3<<20, "application/vnd.docker.image.rootfs.diff.tar.gzip")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// push stores an image under a name.
func (u *upstream) push(t *testing.T, repository string, index v1.ImageIndex) {
	t.Helper()
	ref, err := name.ParseReference(u.local+"/"+repository, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}
