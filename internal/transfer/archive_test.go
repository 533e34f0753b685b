package transfer_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/labring-actions/cluster-image/internal/transfer"
)

// layoutTar is an index as an OCI archive.
func layoutTar(t *testing.T, idx v1.ImageIndex) []byte {
	t.Helper()
	dir := t.TempDir()
	p, err := layout.Write(dir, index())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendIndex(idx); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if err := w.WriteHeader(&tar.Header{Name: "./" + rel, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stored makes sure that every blob of an image is in the store.
func (w *world) stored(t *testing.T, i transfer.Image) {
	t.Helper()
	for platform, p := range i.Platforms {
		for _, d := range append([]v1.Descriptor{p.Config}, p.Layers...) {
			b, err := w.store.ReadAll(d.Digest, 64<<20)
			if err != nil || int64(len(b)) != d.Size {
				t.Errorf("%s: %s: %d of %d bytes, %v", platform, d.Digest, len(b), d.Size, err)
			}
		}
	}
}

func TestOCIArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idx := twoPlatforms(t, "a", 1000, 5<<20)
	b := layoutTar(t, idx)
	got, err := w.transfer(t, transfer.Options{}).FromArchive(t.Context(), transfer.OCIArchive, bytes.NewReader(b), int64(len(b)), parse(t, "x.example/a:1"), both)
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := idx.Digest(); got.Index == nil || got.Index.Digest != d || len(got.Platforms) != 2 {
		t.Errorf("%+v", got)
	}
	w.stored(t, got)
}

func dockerTar(t *testing.T, img v1.Image, ref string) []byte {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tarball.Write(tag, img, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// asSaved is the archive with its layers unpacked, as docker save writes them.
func asSaved(t *testing.T, packed []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	r := tar.NewReader(bytes.NewReader(packed))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		content, err2 := io.ReadAll(r)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if filepath.Ext(h.Name) == ".gz" {
			content = gunzip(t, content)
		}
		h.Size = int64(len(content))
		w.WriteHeader(h)
		w.Write(content)
	}
	w.Close()
	return b.Bytes()
}

func TestDockerArchive(t *testing.T) {
	t.Parallel()
	img, err := random.Image(300_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	config, _ := img.ConfigFile()
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "arm64"
	img = withConfig(t, img, config)
	packed := dockerTar(t, img, "docker.io/library/x:1")
	var first transfer.Image
	for i, b := range [][]byte{asSaved(t, packed), asSaved(t, packed), packed} {
		w := newWorld(t)
		got, err := w.transfer(t, transfer.Options{}).FromArchive(t.Context(), transfer.DockerArchive, bytes.NewReader(b), int64(len(b)), parse(t, "x:1"), []string{"linux/arm64"})
		if err != nil {
			t.Fatal(err)
		}
		w.stored(t, got)
		if i == 0 {
			first = got
		}
		if i == 1 && got.Platforms["linux/arm64"].Manifest.Digest != first.Platforms["linux/arm64"].Manifest.Digest {
			t.Error("the same archive gave two digests")
		}
	}
}

func TestArchivesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	amd := image(t, "x", "amd64", 1000)
	good := layoutTar(t, twoPlatforms(t, "a", 1000))
	broken := bytes.Clone(good)
	layer := content("aamd640", 1000)
	broken[bytes.Index(broken, layer)+10] ^= 1
	cases := map[string]struct {
		kind string
		b    []byte
		says string
	}{
		"not a tar":       {transfer.OCIArchive, []byte("<html>not found</html>" + string(make([]byte, 600))), ""},
		"empty":           {transfer.OCIArchive, nil, ""},
		"compressed":      {transfer.DockerArchive, []byte{0x1f, 0x8b, 8, 0}, ""},
		"the other kind":  {transfer.OCIArchive, dockerTar(t, amd, "docker.io/library/x:1"), "it lacks index.json, but has manifest.json: write docker-archive: before its path"},
		"other kind":      {transfer.DockerArchive, good, "it lacks manifest.json, but has index.json: write oci-archive: before its path"},
		"unknown kind":    {"dir", good, ""},
		"wrong layer":     {transfer.OCIArchive, broken, ""},
		"truncated":       {transfer.OCIArchive, good[:len(good)/2], ""},
		"other platform":  {transfer.DockerArchive, dockerTar(t, amd, "docker.io/library/x:1"), ""},
		"false diff id's": {transfer.DockerArchive, dockerTar(t, amd, "docker.io/library/x:1"), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.transfer(t, transfer.Options{}).FromArchive(t.Context(), c.kind, bytes.NewReader(c.b), int64(len(c.b)), parse(t, "x.example/a:1"), []string{"linux/arm64", "linux/amd64"})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}
