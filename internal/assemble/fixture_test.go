package assemble_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

const amd64, arm64 = "linux/amd64", "linux/arm64"

func digest(b []byte) v1.Hash {
	s := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s[:])}
}

// pattern makes n bytes that do not compress and depend on the seed alone.
func pattern(seed string, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(b)
	return b
}

// files is a directory by path. A path that ends in a slash is a directory, a text that begins with "-> " a link, and
// one that begins with "#!" is executable.
type files map[string]string

func (f files) write(t testing.TB, dir string) string {
	t.Helper()
	for name, text := range f {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		target, isLink := strings.CutPrefix(text, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(path, 0o755))
		case isLink:
			must(t, os.Symlink(target, path))
		case strings.HasPrefix(text, "#!"):
			must(t, os.WriteFile(path, []byte(text), 0o755))
		default:
			must(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// registry is a registry directory in memory.
type registry []registrydir.File

func (r registry) Files() iter.Seq[registrydir.File] { return slices.Values(r) }

func blobFile(b []byte) registrydir.File {
	d := digest(b)
	return registrydir.File{
		Path: strings.TrimPrefix(layer.BlobPath(d), "registry/"), Size: int64(len(b)), Blob: d,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

func linkFile(path string, d v1.Hash) registrydir.File {
	return registrydir.File{Path: path, Size: int64(len(d.String())), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(d.String())), nil
	}}
}

// someRegistry has two blobs that get layers of their own, a small one and a link.
func someRegistry() registry {
	small := []byte("a manifest")
	return registry{
		blobFile(pattern("big", layer.MinBlob)), blobFile(small), blobFile(pattern("bigger", layer.MinBlob+5)),
		linkFile("docker/registry/v2/repositories/library/nginx/_manifests/tags/1/current/link", digest(small)),
	}
}

// memory remembers facts and counts questions that it could answer.
type memory struct {
	mu    sync.Mutex
	facts map[v1.Hash]layer.Facts
	hits  int
}

func (m *memory) Layer(h v1.Hash) (layer.Facts, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.facts[h]
	if ok {
		m.hits++
	}
	return f, ok
}

func (m *memory) Remember(h v1.Hash, f layer.Facts) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.facts == nil {
		m.facts = map[v1.Hash]layer.Facts{}
	}
	m.facts[h] = f
	return nil
}

// input is a context in a directory with its build file.
func input(t testing.TB, dir, platform string, r assemble.Registry) assemble.Input {
	t.Helper()
	k, err := kubefile.Load(dir)
	must(t, err)
	return assemble.Input{Dir: dir, Kubefile: k, Platform: platform, Registry: r, Work: t.TempDir()}
}

func image(t testing.TB, in assemble.Input) assemble.Image {
	t.Helper()
	img, err := assemble.Assemble(t.Context(), in)
	must(t, err)
	return img
}

// simple is a context that is as small as can be.
var simple = files{"Kubefile": "FROM scratch\nENV NAME=x\nCOPY . .\nCMD [\"bash start.sh\"]\n", "start.sh": "#!/bin/bash\n", "manifests/a.yaml": "kind: Pod\n"}

// index makes a two-platform image of a context.
func index(t testing.TB, dir string, r assemble.Registry, platforms ...string) assemble.Index {
	t.Helper()
	var images []assemble.Image
	for _, p := range platforms {
		images = append(images, image(t, input(t, dir, p, r)))
	}
	x, err := assemble.NewIndex(images, map[string]string{"org.opencontainers.image.title": "simple"})
	must(t, err)
	return x
}

// found is an entry of an unpacked image.
type found struct {
	Mode fs.FileMode
	Text string // content, or the target of a link
}

// unpack reads all layers of an image into one tree. Contents longer than 1 KiB become their digest.
func unpack(t testing.TB, img assemble.Image) map[string]found {
	t.Helper()
	tree := map[string]found{}
	for _, l := range img.Layers {
		r, err := l.Open()
		must(t, err)
		z, err := gzip.NewReader(r)
		must(t, err)
		untar(t, z, tree)
		_, err = io.Copy(io.Discard, r)
		must(t, err)
		must(t, r.Close())
	}
	return tree
}

func untar(t testing.TB, r io.Reader, tree map[string]found) {
	t.Helper()
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, r)
			must(t, err)
			return
		}
		must(t, err)
		if h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
		}
		b, err := io.ReadAll(tr)
		must(t, err)
		text := string(b) + h.Linkname
		if len(b) > 1<<10 {
			text = digest(b).String()
		}
		tree[strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")] = found{h.FileInfo().Mode(), text}
	}
}

// listing is a tree as text, one line an entry.
func listing(tree map[string]found) string {
	var lines []string
	for name, f := range tree {
		lines = append(lines, fmt.Sprintf("%s %v %q", name, f.Mode, f.Text))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func config(t testing.TB, c assemble.Content) v1.ConfigFile {
	t.Helper()
	var f v1.ConfigFile
	must(t, json.Unmarshal(c.Bytes, &f))
	return f
}
