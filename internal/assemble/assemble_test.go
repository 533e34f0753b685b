package assemble_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/layer"
)

func TestImageGolden(t *testing.T) {
	t.Parallel()
	x := index(t, simple.write(t, t.TempDir()), someRegistry(), arm64, amd64)
	// These digests change with go.mod's klauspost/compress and go-containerregistry at most; then every image changes once.
	got := fmt.Sprint(x.Digest, x.Images[0].Manifest.Digest, x.Images[0].Config.Digest, x.Images[1].Manifest.Digest)
	const want = "sha256:a7edd4ad0b2040cc123c92e5b4e5cb565fcfe06fc59e7882fbe0ac9d72a2fb07 sha256:b9bbfe046543a688a7d5c4a62541c85833c93fdea6d31d69cac76616e9bf3336 sha256:8a113068d1ee0f0e96f93a5c6369a7dbb23d8b7279fb4cb5526a195c4b5cc8e7 sha256:3450f3188d5a1b2d5dc9ff14be8e1f2968a07ff09165f25037eafe06374fbcda"
	if got != want {
		t.Errorf("image changed: %s\nindex %s\nmanifest %s\nconfig %s", got, x.Bytes, x.Images[0].Manifest.Bytes, x.Images[0].Config.Bytes)
	}
}

func TestImageContent(t *testing.T) {
	t.Parallel()
	in := input(t, simple.write(t, t.TempDir()), arm64, someRegistry())
	in.Labels = map[string]string{"team": "a"}
	in.Annotations = map[string]string{"org.opencontainers.image.version": "1"}
	in.Time = time.Unix(1700000000, 0)
	img := image(t, in)
	c := config(t, img.Config)
	if c.Architecture != "arm64" || c.OS != "linux" || c.Created.Unix() != 1700000000 || c.Config.Labels["team"] != "a" || !slices.Contains(c.Config.Env, "NAME=x") {
		t.Errorf("config %s", img.Config.Bytes)
	}
	if len(c.RootFS.DiffIDs) != 4 || len(c.History) != 4 || len(img.Layers) != 4 {
		t.Errorf("%d diff IDs, %d history entries, %d layers", len(c.RootFS.DiffIDs), len(c.History), len(img.Layers))
	}
	var m v1.Manifest
	must(t, json.Unmarshal(img.Manifest.Bytes, &m))
	if m.Annotations["org.opencontainers.image.version"] != "1" || m.Config.Digest != img.Config.Digest {
		t.Errorf("manifest %s", img.Manifest.Bytes)
	}
	tree := unpack(t, img)
	r := someRegistry()
	for path, want := range map[string]found{
		"start.sh":         {0o755, "#!/bin/bash\n"},
		"manifests":        {os.ModeDir | 0o755, ""},
		"manifests/a.yaml": {0o644, "kind: Pod\n"},
		"registry/docker/registry/v2/repositories/library/nginx/_manifests/tags/1/current/link": {0o644, r[1].Blob.String()},
		layer.BlobPath(r[0].Blob): {0o644, r[0].Blob.String()},
		layer.BlobPath(r[1].Blob): {0o644, "a manifest"},
		layer.BlobPath(r[2].Blob): {0o644, r[2].Blob.String()},
	} {
		if tree[path] != want {
			t.Errorf("%s: got %+v, want %+v", path, tree[path], want)
		}
	}
	if img.Layers[0].Blob != r[2].Blob || img.Layers[1].Blob != r[0].Blob || img.Layers[2].Blob != (v1.Hash{}) {
		t.Error("blob layers are not the largest first")
	}
}

func TestDeterminism(t *testing.T) {
	t.Parallel()
	context := files{
		"Kubefile": "FROM scratch\nCOPY . .\nCOPY --chmod=0700 b c/\n", "b": "b", "a/x.sh": "#!x", "a-b": "1", "a/z": "z", "d/l": "-> ../a/z", "empty/": "",
	}
	one := t.TempDir()
	context.write(t, one)
	want := index(t, one, someRegistry(), amd64, arm64)

	two := t.TempDir()
	for _, name := range []string{"empty/", "d/l", "a/z", "a-b", "a/x.sh", "b", "Kubefile"} {
		files{name: context[name]}.write(t, two)
	}
	must(t, os.Chmod(filepath.Join(two, "a/x.sh"), 0o4740))
	must(t, os.Chmod(filepath.Join(two, "b"), 0o666))
	must(t, os.Chmod(filepath.Join(two, "a"), 0o700))
	old := time.Unix(1, 0)
	must(t, os.Chtimes(filepath.Join(two, "b"), old, old))
	r := someRegistry()
	slices.Reverse(r)
	if got := index(t, two, r, arm64, amd64); got.Digest != want.Digest {
		t.Errorf("the digest depends on order, modes or times:\n%s\n%s", got.Bytes, want.Bytes)
	}
}

func TestLayerRules(t *testing.T) {
	t.Parallel()
	var r registry
	for i := range 300 {
		b := pattern(fmt.Sprint(i), 100)
		f := blobFile(b)
		if i%2 == 0 {
			f.Size = layer.MinBlob + int64(i) // only facts from memory are used, so nobody reads it
		}
		r = append(r, f)
	}
	m := &memory{}
	for _, f := range r {
		m.Remember(f.Blob, layer.Facts{Digest: digest([]byte(f.Blob.Hex)), DiffID: f.Blob, Size: f.Size})
	}
	// Of the 150 large blobs the 50 smallest are divided among groups, and are read for them.
	for i := range r {
		if f := &r[i]; f.Size >= layer.MinBlob && f.Size < layer.MinBlob+100 {
			b := pattern("p"+fmt.Sprint(i), int(f.Size))
			*f = blobFile(b)
		}
	}
	in := input(t, simple.write(t, t.TempDir()), amd64, r)
	in.Memory = m
	img := image(t, in)
	if n := len(img.Layers); n <= layer.MaxBlobs+2 || n > layer.MaxBlobs+layer.MaxGroups+2 {
		t.Fatalf("%d layers", len(img.Layers))
	}
	for i, l := range img.Layers {
		if (l.Blob != v1.Hash{}) != (i < layer.MaxBlobs) {
			t.Errorf("layer %d: blob %v", i, l.Blob)
		}
		if i > 0 && i < layer.MaxBlobs && l.Desc.Size > img.Layers[i-1].Desc.Size {
			t.Errorf("layer %d is larger than the one before", i)
		}
	}
	if m.hits != layer.MaxBlobs {
		t.Errorf("%d layers were known", m.hits)
	}
	for i := range r {
		if r[i].Size >= layer.MinBlob {
			r[i].Open = func() (io.ReadCloser, error) { return nil, errors.New("read again") }
		}
	}
	if again := image(t, in); again.Manifest.Digest != img.Manifest.Digest {
		t.Errorf("the second time it is %s, not %s", again.Manifest.Digest, img.Manifest.Digest)
	}
}

// TestOneOfManyImagesChanges has more blobs than can have layers of their own. When one image is another, its own group
// changes, and the one that the smallest blob with a layer of its own moves to or comes from; those of others stay.
func TestOneOfManyImagesChanges(t *testing.T) {
	t.Parallel()
	const images, blobs, size = 40, 6, layer.MinBlob
	build := func(version string) map[v1.Hash]int64 {
		var r registry
		for i := range images {
			repository := fmt.Sprintf("library/image%d", i)
			for j := range blobs {
				name := fmt.Sprint(i, j)
				if i == 7 {
					name += version
				}
				f := blobFile(pattern(name, size+100*j))
				path := fmt.Sprintf("docker/registry/v2/repositories/%s/_layers/sha256/%s/link", repository, f.Blob.Hex)
				link := linkFile(path, f.Blob)
				link.Repository, link.Target = repository, f.Blob
				r = append(r, f, link)
			}
		}
		layers := map[v1.Hash]int64{}
		for _, l := range image(t, input(t, simple.write(t, t.TempDir()), amd64, r)).Layers {
			layers[l.Desc.Digest] = l.Desc.Size
		}
		return layers
	}
	before := build("one")
	if len(before) > layer.MaxBlobs+layer.MaxGroups+2 {
		t.Errorf("%d layers", len(before))
	}
	var sent, all int64
	for d, n := range build("two") {
		all += n
		if before[d] == 0 {
			sent += n
		}
	}
	if shared := all - layer.MaxBlobs*size; sent > blobs*size+shared/4 {
		t.Errorf("%d bytes of layers changed for %d bytes of blobs; %d bytes are in shared layers", sent, blobs*size, shared)
	}
}

// TestOneChangedImageChangesItsLayersOnly has a registry directory of many blobs of all usual sizes. When some of them
// are others, the layers of the rest stay, and what is shared by small ones is next to nothing.
func TestOneChangedImageChangesItsLayersOnly(t *testing.T) {
	t.Parallel()
	build := func(version string) (map[v1.Hash]int64, int64) {
		var r registry
		var fresh int64
		for i := range 30 {
			for _, size := range []int{500, 70_000, 250_000} {
				name := fmt.Sprint(i, size)
				if i == 7 {
					name += version
					fresh += int64(size)
				}
				r = append(r, blobFile(pattern(name, size)))
			}
		}
		layers := map[v1.Hash]int64{}
		for _, l := range image(t, input(t, simple.write(t, t.TempDir()), amd64, r)).Layers {
			layers[l.Desc.Digest] = l.Desc.Size
		}
		return layers, fresh
	}
	before, _ := build("one")
	after, fresh := build("two")
	var sent int64
	for d, size := range after {
		if before[d] == 0 {
			sent += size
		}
	}
	if sent < fresh || sent > fresh+100_000 {
		t.Errorf("%d bytes of layers changed for %d bytes of blobs", sent, fresh)
	}
}

func TestBlobLayerIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	a := image(t, input(t, simple.write(t, t.TempDir()), amd64, someRegistry()))
	b := image(t, input(t, files{"Kubefile": "FROM scratch\nCOPY . /\n"}.write(t, t.TempDir()), arm64, someRegistry()[:1]))
	if a.Layers[1].Desc.Digest != b.Layers[0].Desc.Digest {
		t.Error("the layer of a blob depends on more than the blob")
	}
	h := layer.NewHasher(b.Layers[0].Blob, layer.MinBlob)
	r, err := someRegistry()[0].Open()
	must(t, err)
	_, err = io.Copy(h, r)
	must(t, err)
	if f, err := h.Facts(); err != nil || f.Digest != b.Layers[0].Desc.Digest {
		t.Errorf("hashed while fetched: %v, %v", f, err)
	}
}

func TestCorruptBlob(t *testing.T) {
	t.Parallel()
	r := someRegistry()
	r[0].Open = func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(pattern("other", layer.MinBlob)))), nil
	}
	_, err := assemble.Assemble(t.Context(), input(t, simple.write(t, t.TempDir()), amd64, r))
	if !errors.Is(err, assemble.ErrCorrupt) || !strings.Contains(err.Error(), r[0].Blob.String()) {
		t.Errorf("got %v", err)
	}
}

func TestLayerThatChangedIsReported(t *testing.T) {
	t.Parallel()
	r := someRegistry()
	good := r[0].Open
	bad := false
	r[0].Open = func() (io.ReadCloser, error) {
		if bad {
			return io.NopCloser(strings.NewReader(string(pattern("other", layer.MinBlob)))), nil
		}
		return good()
	}
	x := index(t, simple.write(t, t.TempDir()), r, amd64)
	bad = true
	out := filepath.Join(t.TempDir(), "x.tar")
	if err := assemble.WriteArchive(t.Context(), out, x, ""); !errors.Is(err, assemble.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	if names, err := os.ReadDir(filepath.Dir(out)); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	in := input(t, simple.write(t, t.TempDir()), amd64, someRegistry())
	cancel()
	if _, err := assemble.Assemble(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNewIndex(t *testing.T) {
	t.Parallel()
	dir := simple.write(t, t.TempDir())
	one := image(t, input(t, dir, amd64, nil))
	if _, err := assemble.NewIndex([]assemble.Image{one, one}, nil); err == nil {
		t.Error("one platform was taken twice")
	}
	if _, err := assemble.NewIndex(nil, nil); err == nil {
		t.Error("an index of nothing was made")
	}
}

func TestKnownApplicationIsCompressedWhenRead(t *testing.T) {
	t.Parallel()
	dir := simple.write(t, t.TempDir())
	files{"opt/program": string(pattern("program", 9<<20))}.write(t, dir)
	m := &memory{}
	var images []assemble.Image
	var works []string
	for range 2 {
		in := input(t, dir, amd64, nil)
		in.Memory = m
		images, works = append(images, image(t, in)), append(works, in.Work)
	}
	if images[0].Manifest.Digest != images[1].Manifest.Digest {
		t.Error("a remembered layer makes another image")
	}
	for i, want := range []int{1, 0} {
		if names, err := os.ReadDir(works[i]); err != nil || len(names) != want {
			t.Errorf("build %d left %v, %v", i, names, err)
		}
	}
	if listing(unpack(t, images[0])) != listing(unpack(t, images[1])) {
		t.Error("the content differs")
	}
	in := input(t, dir, amd64, nil)
	in.Memory = m
	img := image(t, in)
	files{"start.sh": "#!/bin/false"}.write(t, dir)
	r, err := img.Layers[0].Open()
	if err == nil {
		defer r.Close()
		_, err = io.Copy(io.Discard, r)
	}
	if !errors.Is(err, layer.ErrLength) && !errors.Is(err, assemble.ErrCorrupt) {
		t.Errorf("a context that changed was read: %v", err)
	}
}
