package transfer_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

func TestHappy(t *testing.T) {
	srv := httptest.NewServer(ggcr.New())
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	idx := mutate.IndexMediaType(empty.Index, "application/vnd.oci.image.index.v1+json")
	for _, arch := range []string{"amd64", "arm64"} {
		img, _ := random.Image(6<<20, 3)
		cf, _ := img.ConfigFile()
		cf.Architecture, cf.OS = arch, "linux"
		img, _ = mutate.ConfigFile(img, cf)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}}).(v1.ImageIndex)
	}
	ref, _ := name.ParseReference(host + "/a/b:1")
	if err := remote.WriteIndex(ref, idx); err != nil {
		t.Fatal(err)
	}
	c, _ := registry.New(registry.Options{})
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tr := transfer.New(transfer.Options{Client: c, Store: s})
	r, _ := reference.Parse(host + "/a/b:1")
	res, err := tr.Resolve(context.Background(), []transfer.Request{{Ref: r, Platforms: []string{"linux/amd64", "linux/arm64"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := tr.Plan(res)
	n := 0
	if err := tr.Fetch(context.Background(), p, transfer.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range p.Blobs {
		if _, ok := s.Has(b.Desc.Digest); !ok {
			t.Error("missing", b.Desc.Digest)
		}
		n++
	}
	t.Log(n, p.Total, p.Unique, p.Stored)
}
