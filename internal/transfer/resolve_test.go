package transfer_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// layerGets counts the requests for blobs larger than a config.
func (w *world) noLayerAsked(t *testing.T, layers ...v1.Image) {
	t.Helper()
	for _, i := range layers {
		if n := len(w.faults["reg.example"].Log("GET", layerBlob(t, i))); n > 0 {
			t.Errorf("%d requests for a layer", n)
		}
	}
}

func TestMissingPlatformsInOneError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := image(t, "good", "amd64", 1000)
	w.push(t, "reg.example/both:1", index(entry{good, linux("amd64")}, entry{image(t, "good", "arm64", 1000), linux("arm64")}))
	w.push(t, "reg.example/index:1", index(entry{image(t, "i", "amd64", 1000), linux("amd64")}, entry{image(t, "i", "s390x", 1000), linux("s390x")}))
	w.push(t, "reg.example/single:1", image(t, "s", "amd64", 1000))
	w.push(t, "reg.example/liar:1", index(entry{image(t, "l", "amd64", 1000), linux("amd64")}, entry{image(t, "m", "amd64", 1000), linux("arm64")}))
	_, err := w.transfer(t, transfer.Options{}).Resolve(t.Context(), want(t, "reg.example/both:1", "reg.example/index:1", "reg.example/single:1", "reg.example/liar:1"))
	expected := `resolve images: 3 platforms are missing:
  reg.example/index:1: no linux/arm64, there is linux/amd64, linux/s390x
  reg.example/single:1: no linux/arm64, there is linux/amd64
  reg.example/liar:1: no linux/arm64, what is listed as such has a config for linux/amd64
build without them with --platform, or choose versions of these images that have them`
	if err == nil || err.Error() != expected {
		t.Errorf("got  %v\nwant %s", err, expected)
	}
	w.noLayerAsked(t, good)
}

func TestUnresolvedInOneError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.push(t, "reg.example/a:1", twoPlatforms(t, "a", 10))
	_, err := w.transfer(t, transfer.Options{}).Resolve(t.Context(), want(t, "reg.example/a:1", "reg.example/a:2", "reg.example/none:1", "nowhere.example/x:1"))
	var u *transfer.Unresolved
	if !errors.As(err, &u) || len(u.Images) != 3 || !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	for _, s := range []string{"3 images do not resolve", "reg.example/a:2: reg.example/a: get manifest 2: 404", "none:1: ", "nowhere.example/x:1: nowhere.example/x: get manifest 1: dial nowhere.example: no such host, 6 tries"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error lacks %q:\n%v", s, err)
		}
	}
}

func TestMaybe(t *testing.T) {
	t.Parallel()
	times := func(n int) []registrytest.Fault { return registrytest.Times(99, registrytest.Status(n)) }
	cases := map[string]struct {
		ref     string
		faults  []registrytest.Fault
		dropped int
		fails   bool
	}{
		"is there":            {"reg.example/a:1", nil, 0, false},
		"is not there":        {"reg.example/none:1", nil, 1, false},
		"needs a login":       {"reg.example/a:1", times(401), 1, false},
		"is denied":           {"reg.example/a:1", times(403), 1, false},
		"one platform":        {"reg.example/single:1", nil, 1, false},
		"no such host":        {"info.example/level:1", nil, 1, false},
		"registry is broken":  {"reg.example/a:1", times(503), 0, true},
		"registry is limited": {"reg.example/a:1", times(429), 0, true},
		"is a chart":          {"reg.example/chart:1", nil, 1, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.push(t, "reg.example/a:1", twoPlatforms(t, "a", 10))
			w.push(t, "reg.example/single:1", image(t, "s", "amd64", 10))
			w.push(t, "reg.example/chart:1", mutate.ConfigMediaType(image(t, "c", "amd64", 10), "application/vnd.cncf.helm.config.v1+json"))
			w.faults["reg.example"].On("GET", "/a/manifests/", c.faults...)
			r := want(t, c.ref)
			r[0].Maybe = true
			got, err := w.transfer(t, transfer.Options{}).Resolve(t.Context(), r)
			if (err != nil) != c.fails || len(got.Dropped) != c.dropped {
				t.Errorf("dropped %+v, %v", got.Dropped, err)
			}
			if name == "one platform" && (len(got.Images) != 1 || len(got.Images[0].Platforms) != 1 || got.Dropped[0].Platforms[0] != "linux/arm64") {
				t.Errorf("%+v", got)
			}
			for _, d := range got.Dropped {
				if d.Reason == "" || strings.Contains(d.Reason, "\n") {
					t.Errorf("reason %q", d.Reason)
				}
			}
		})
	}
}

// raw stores a manifest as it is.
func (w *world) raw(t *testing.T, ref string, mt types.MediaType, b []byte) registry.Manifest {
	t.Helper()
	c, err := registry.New(registry.Options{Transport: &registrytest.Network{Hosts: map[string]http.Handler{"https://reg.example": w.faults["reg.example"].Next}}})
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, ref)
	if _, err := c.PutManifest(t.Context(), r, r.Tag, mt, b); err != nil {
		t.Fatal(err)
	}
	return registry.NewManifest(mt, b)
}

// around is an index whose entries are the manifests.
func around(manifests ...registry.Manifest) []byte {
	var entries []string
	for _, m := range manifests {
		entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, m.MediaType, m.Digest, len(m.Bytes)))
	}
	return fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, types.OCIImageIndex, strings.Join(entries, ","))
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	nest := func(depth int) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			idx := twoPlatforms(t, "deep", 10)
			w.push(t, "reg.example/a:0", idx)
			b, _ := idx.RawManifest()
			m := registry.NewManifest(types.OCIImageIndex, b)
			for i := 1; i < depth; i++ {
				m = w.raw(t, fmt.Sprintf("reg.example/a:n%d", i), types.OCIImageIndex, around(m))
			}
			w.raw(t, "reg.example/a:1", types.OCIImageIndex, m.Bytes)
		}
	}
	unmarked := func(t *testing.T, w *world) {
		w.push(t, "reg.example/a:1", index(entry{image(t, "u", "amd64", 10), nil}, entry{image(t, "u", "arm64", 10), nil}))
	}
	variant := func(v string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			arm := linux("arm64")
			arm.Variant = v
			w.push(t, "reg.example/a:1", index(entry{image(t, "v", "amd64", 10), linux("amd64")}, entry{image(t, "v", "arm64", 10), arm}))
		}
	}
	attested := func(t *testing.T, w *world) {
		about := &v1.Platform{OS: "unknown", Architecture: "unknown"}
		w.push(t, "reg.example/a:1", index(entry{image(t, "z", "amd64", 10), about}, entry{image(t, "v", "amd64", 10), linux("amd64")}, entry{image(t, "v", "arm64", 10), linux("arm64")}))
	}
	many := func(t *testing.T, w *world) {
		m := registry.NewManifest(types.OCIManifestSchema1, []byte("{}"))
		all := make([]registry.Manifest, 10_000)
		for i := range all {
			all[i] = m
		}
		w.faults["reg.example"].On("GET", "manifests/1", registrytest.Bytes(around(all...)))
	}
	schema1 := func(t *testing.T, w *world) {
		w.faults["reg.example"].On("GET", "manifests/1", registrytest.Bytes([]byte(`{"schemaVersion":1,"name":"a","tag":"1"}`)))
	}
	cyclic := func(t *testing.T, w *world) {
		d := "sha256:" + strings.Repeat("1", 64)
		loop := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":200}]}`, types.OCIImageIndex, types.OCIImageIndex, d)
		w.faults["reg.example"].On("GET", "manifests/", registrytest.Times(50, registrytest.Bytes(loop))...)
	}
	huge := func(t *testing.T, w *world) {
		b := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":"sha256:%s","size":50000000,"platform":{"os":"linux","architecture":"amd64"}}]}`,
			types.OCIImageIndex, types.OCIManifestSchema1, strings.Repeat("2", 64))
		w.faults["reg.example"].On("GET", "manifests/1", registrytest.Bytes(b))
	}
	absurd := func(t *testing.T, w *world) {
		b := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"digest":"sha256:%s","size":-1},"layers":[]}`, types.OCIManifestSchema1, strings.Repeat("3", 64))
		w.faults["reg.example"].On("GET", "manifests/1", registrytest.Bytes(b))
	}
	artifact := func(t *testing.T, w *world) {
		w.raw(t, "reg.example/a:1", types.OCIImageIndex, mustRaw(empty.Index))
	}
	cases := map[string]struct {
		make func(*testing.T, *world)
		want error
	}{
		"one deep": {nest(1), nil}, "three deep": {nest(3), nil}, "four deep": {nest(4), transfer.ErrTooDeep},
		"no platforms": {unmarked, nil}, "variant": {variant("v8"), nil}, "no variant": {variant(""), nil}, "v9": {variant("v9"), errMissing},
		"attestations": {attested, nil}, "10,000 entries": {many, transfer.ErrTooDeep}, "schema 1": {schema1, transfer.ErrSchema1},
		"cyclic": {cyclic, registry.ErrCorrupt}, "huge manifest": {huge, registry.ErrLimit}, "negative size": {absurd, transfer.ErrNotImage},
		"empty": {artifact, errMissing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.make(t, w)
			p, err := run(t, w.transfer(t, transfer.Options{}), want(t, "reg.example/a:1"))
			var missing *transfer.MissingPlatforms
			switch {
			case c.want == errMissing:
				if !errors.As(err, &missing) {
					t.Errorf("got %v", err)
				}
			case !errors.Is(err, c.want):
				t.Errorf("got %v, want %v", err, c.want)
			case err == nil:
				w.complete(t, p)
			}
		})
	}
}

var errMissing = errors.New("missing platforms")

func mustRaw(i v1.ImageIndex) []byte {
	b, err := i.RawManifest()
	if err != nil {
		panic(err)
	}
	return b
}
