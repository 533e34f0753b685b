package inspect_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/labring-actions/cluster-image/internal/inspect"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

const v2 = "registry/docker/registry/v2/"

// pack makes a layer of files.
func pack(t testing.TB, compress bool, files map[string]string) inspect.Layer {
	t.Helper()
	var plain, out bytes.Buffer
	w := tar.NewWriter(&plain)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !compress {
		return layerOf(plain.Bytes())
	}
	gz := gzip.NewWriter(&out)
	if _, err := gz.Write(plain.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return layerOf(out.Bytes())
}

func layerOf(b []byte) inspect.Layer {
	return inspect.Layer{Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func blobFile(content string) (digest, name string) {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	return "sha256:" + sum, v2 + "blobs/sha256/" + sum[:2] + "/" + sum + "/data"
}

// registryFiles are those of a registry directory with one image.
func registryFiles() (files map[string]string, manifest string) {
	config, configFile := blobFile(`{"os":"linux","architecture":"arm64"}`)
	text := fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":%q,"size":37},"layers":[{"size":1000}]}`, config)
	manifest, manifestFile := blobFile(text)
	return map[string]string{
		configFile: `{"os":"linux","architecture":"arm64"}`, manifestFile: text,
		v2 + "repositories/library/nginx/_manifests/tags/1.23/current/link":                manifest,
		v2 + "repositories/library/nginx/_manifests/tags/1.23/index/sha256/x/link":         manifest,
		"charts/registry/docker/registry/v2/repositories/x/_manifests/tags/1/current/link": manifest,
		"manifests/app.yaml": "image: nginx\n",
	}, manifest
}

func TestImages(t *testing.T) {
	t.Parallel()
	files, manifest := registryFiles()
	unread := inspect.Layer{Size: 1 << 40, Open: func() (io.ReadCloser, error) { return nil, errors.New("a large layer was opened") }}
	app := pack(t, true, map[string]string{"charts/x/Chart.yaml": "name: x"})
	tests := map[string][]inspect.Layer{
		"layers of blobs are not read": {unread, unread, pack(t, true, files), app},
		"not compressed":               {pack(t, false, files)},
		"as sealos build makes it":     {pack(t, true, files)},
	}
	for name, layers := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := inspect.Images(context.Background(), layers)
			if err != nil || len(got) != 1 {
				t.Fatalf("images: %v, %v", got, err)
			}
			e := got[0]
			want := registrydir.Entry{
				Repository: "library/nginx", Tag: "1.23", Digest: e.Digest, MediaType: "application/vnd.oci.image.manifest.v1+json",
				Platform: "linux/arm64", Size: e.Size,
			}
			if e != want || e.Digest.String() != manifest || e.Size < 1037 {
				t.Errorf("got %+v, want digest %s", e, manifest)
			}
		})
	}
}

func TestLinksInALargeLayer(t *testing.T) {
	t.Parallel()
	files, _ := registryFiles()
	whole := pack(t, true, files)
	whole.Size = 1 << 30
	empty := pack(t, true, map[string]string{"a": "b"})
	got, err := inspect.Images(context.Background(), []inspect.Layer{whole, empty, empty})
	if err != nil || len(got) != 1 {
		t.Errorf("images: %v, %v", got, err)
	}
}

// TestZstd looks into an image that another builder has compressed.
func TestZstd(t *testing.T) {
	t.Parallel()
	files, _ := registryFiles()
	rc, err := pack(t, false, files).Open()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, rc); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := inspect.Images(context.Background(), []inspect.Layer{layerOf(out.Bytes())})
	if err != nil || len(got) != 1 {
		t.Errorf("images: %v, %v", got, err)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	link := v2 + "repositories/x/_manifests/tags/1/current/link"
	tests := map[string]struct {
		layer inspect.Layer
		want  string
	}{
		"link":      {pack(t, true, map[string]string{link: "nonsense"}), "link of x:1:"},
		"not a tar": {layerOf([]byte(strings.Repeat("x", 2048))), "read layer:"},
		"cut short": {layerOf([]byte{0x1f, 0x8b, 8, 0}), "read layer: unexpected EOF"},
		"empty":     {layerOf(nil), "read layer: EOF"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := inspect.Images(context.Background(), []inspect.Layer{test.layer})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func FuzzImages(f *testing.F) {
	files, _ := registryFiles()
	for _, compress := range []bool{true, false} {
		rc, err := pack(f, compress, files).Open()
		if err != nil {
			f.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := inspect.Images(context.Background(), []inspect.Layer{layerOf(b)})
		if err != nil {
			return
		}
		for _, e := range got {
			if e.Repository == "" || e.Tag == "" || e.Digest.Hex == "" {
				t.Errorf("an image without a name: %+v", e)
			}
		}
	})
}
