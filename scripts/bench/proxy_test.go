package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// through starts a registry in memory and a proxy before it that limits nothing.
func through(t *testing.T) (*remote, *proxy) {
	t.Helper()
	web := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	p, err := startProxy(strings.TrimPrefix(web.URL, "http://"), network{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRemote(p.host)
	t.Cleanup(func() { r.close(); p.close(); web.Close() })
	return r, p
}

func TestProxyCounts(t *testing.T) {
	t.Parallel()
	r, p := through(t)
	body := bytes.Repeat([]byte("x"), 100_000)
	d, err := r.putBlob(t.Context(), "a/b", types.OCILayer, func(w io.Writer) error { _, err := w.Write(body); return err })
	if err != nil {
		t.Fatal(err)
	}
	w := p.traffic.take()
	if w.Pushed[d.Digest.String()] != int64(len(body)) || len(w.Pushed) != 1 {
		t.Errorf("pushed %v", w.Pushed)
	}
	if w.Sent < int64(len(body)) || w.Received > 10_000 || w.Requests != 3 {
		t.Errorf("%d bytes sent, %d received, %d requests", w.Sent, w.Received, w.Requests)
	}
	blob, err := r.blob(t.Context(), "a/b", d.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(blob); !bytes.Equal(got, body) {
		t.Error("another blob came back")
	}
	blob.Close()
	w = p.traffic.take()
	if w.Received < int64(len(body)) || w.BlobRequests != 1 || w.ManifestRequests != 0 || len(w.Pushed) != 0 {
		t.Errorf("%+v", w)
	}
}

func TestProxyPassesRanges(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
	}))
	defer web.Close()
	p, err := startProxy(strings.TrimPrefix(web.URL, "http://"), network{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.host+"/v2/a/blobs/b", nil)
	req.Header.Set("Range", "bytes=3-5")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusPartialContent || string(b) != "345" {
		t.Errorf("%s %q", resp.Status, b)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := pace{rate: 1000}
	if d := p.delay(500, now); d != 500*time.Millisecond {
		t.Errorf("the first bytes wait %s", d)
	}
	now = now.Add(510 * time.Millisecond) // overslept: made up for
	if d := p.delay(500, now); d != 490*time.Millisecond {
		t.Errorf("after oversleeping %s", d)
	}
	now = now.Add(time.Hour) // a pause is not
	if d := p.delay(1000, now); d != time.Second {
		t.Errorf("after a pause %s", d)
	}
	free := pace{}
	if d := free.delay(1<<40, now); d != 0 {
		t.Errorf("without a limit %s", d)
	}
}

func TestSetIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	var digests []string
	for range 2 {
		r, _ := through(t)
		p := newPublisher(r)
		if err := p.publish(context.Background(), plainSet("t", 1, 2, 1000)); err != nil {
			t.Fatal(err)
		}
		b, err := r.manifest(t.Context(), "t/image000", "v1")
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, string(b))
		if all := p.of(plainSet("t", 1, 2, 1000), ""); len(all) != 2*(2+1+1) {
			t.Errorf("%d manifests, configurations and layers", len(all))
		}
	}
	if digests[0] != digests[1] {
		t.Error("two sets differ")
	}
}

func TestStandardSet(t *testing.T) {
	t.Parallel()
	seen := map[layerSpec]bool{}
	var unique int64
	for _, s := range standardSet("v1") {
		for _, arch := range platforms() {
			if len(s.layers[arch]) != 6 {
				t.Errorf("%s has %d layers", s.name(), len(s.layers[arch]))
			}
			for _, l := range s.layers[arch] {
				if !seen[l] {
					unique += l.size
				}
				seen[l] = true
			}
		}
	}
	if unique != 335*megabyte {
		t.Errorf("%d bytes", unique)
	}
	changed := 0
	for _, s := range standardSet("v2") {
		for _, arch := range platforms() {
			for _, l := range s.layers[arch] {
				if !seen[l] {
					changed++
				}
			}
		}
	}
	if changed != 8 {
		t.Errorf("%d layers of v2 are new", changed)
	}
}
