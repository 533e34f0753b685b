package main

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
)

// traffic counts what went through a proxy.
type traffic struct {
	received, sent  atomic.Int64 // bytes on the wire as a client sees them, headers included
	requests        atomic.Int64
	blobs, manifest atomic.Int64 // requests that read blobs and manifests

	mu      sync.Mutex
	uploads map[string]*atomic.Int64 // bytes of unfinished uploads by path
	pushed  map[string]int64         // bytes of finished uploads by digest
}

func newTraffic() *traffic {
	return &traffic{uploads: map[string]*atomic.Int64{}, pushed: map[string]int64{}}
}

// wire is the traffic of one run.
type wire struct {
	Received, Sent   int64
	Requests         int64
	BlobRequests     int64
	ManifestRequests int64
	// Pushed are the blobs that were uploaded, by digest, with the bytes that this took.
	Pushed map[string]int64 `json:",omitempty"`
}

// take gives what was counted since the last time.
func (t *traffic) take() wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := wire{
		Received: t.received.Swap(0), Sent: t.sent.Swap(0), Requests: t.requests.Swap(0),
		BlobRequests: t.blobs.Swap(0), ManifestRequests: t.manifest.Swap(0), Pushed: maps.Clone(t.pushed),
	}
	clear(t.pushed)
	clear(t.uploads)
	return w
}

func (w *wire) add(o wire) {
	w.Received += o.Received
	w.Sent += o.Sent
	w.Requests += o.Requests
	w.BlobRequests += o.BlobRequests
	w.ManifestRequests += o.ManifestRequests
	if w.Pushed == nil {
		w.Pushed = map[string]int64{}
	}
	maps.Copy(w.Pushed, o.Pushed)
}

// request counts a request and, of an upload, what its body brings.
func (t *traffic) request(r *http.Request) {
	t.requests.Add(1)
	switch {
	case strings.Contains(r.URL.Path, "/blobs/uploads/"):
		if n := t.upload(r.URL); r.Body != nil {
			r.Body = &countedBody{r.Body, n}
		}
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/"):
		t.blobs.Add(1)
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/"):
		t.manifest.Add(1)
	}
}

func (t *traffic) upload(u *url.URL) *atomic.Int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := path.Clean(u.Path)
	if t.uploads[key] == nil {
		t.uploads[key] = new(atomic.Int64)
	}
	return t.uploads[key]
}

// response notes a finished upload.
func (t *traffic) response(r *http.Response) {
	digest := r.Request.URL.Query().Get("digest")
	if digest == "" || r.StatusCode != http.StatusCreated || !strings.Contains(r.Request.URL.Path, "/blobs/uploads/") {
		return
	}
	n := t.upload(r.Request.URL).Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pushed[digest] += n
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
