package transfer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// TestIdleConnectionsHelp has a registry whose first answer stops after a megabyte until somebody asks for another part
// of the blob.
func TestIdleConnectionsHelp(t *testing.T) {
	t.Parallel()
	blob := content("blob", 9<<20)
	desc := registry.NewManifest(types.OCILayer, blob).Descriptor()
	helped := make(chan struct{})
	var once sync.Once
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			once.Do(func() { close(helped) })
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(blob)))
			return
		}
		w.Header().Set("Accept-Ranges", "bytes")
		w.Header().Set("Content-Length", "9437184")
		w.Write(blob[:1<<20])
		w.(http.Flusher).Flush()
		<-helped
		w.Write(blob[1<<20:])
	}))
	t.Cleanup(srv.Close)
	c, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tr := transfer.New(transfer.Options{Client: c, Store: s, HelpAfter: -1})
	source := reference.Reference{Host: strings.TrimPrefix(srv.URL, "http://"), Path: "a"}
	p := transfer.Plan{Blobs: []transfer.Blob{{Desc: desc, Sources: []reference.Reference{source}}}}
	if err := tr.Fetch(t.Context(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ReadAll(desc.Digest, desc.Size); err != nil || string(got) != string(blob) {
		t.Error(err)
	}
	if _, ok := s.Layer(desc.Digest); !ok {
		t.Error("the layer was not computed on the way")
	}
}
