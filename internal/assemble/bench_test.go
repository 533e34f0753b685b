package assemble_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/store"
)

// The types that the program puts together fit without glue.
var (
	_ assemble.Registry = (*registrydir.Dir)(nil)
	_ assemble.Memory   = (*store.Store)(nil)
)

// BenchmarkArchive streams 64 MB of virtual layers into an archive, hashing them on the way.
func BenchmarkArchive(b *testing.B) {
	var r registry
	for i := range 8 {
		r = append(r, blobFile(pattern(fmt.Sprint(i), 8<<20)))
	}
	x := index(b, simple.write(b, b.TempDir()), r, amd64)
	dir := b.TempDir()
	b.SetBytes(64 << 20)
	n := 0
	for b.Loop() {
		n++
		must(b, assemble.WriteArchive(b.Context(), filepath.Join(dir, fmt.Sprint(n%2)), x, fmt.Sprintf("localhost/x:%d", n)))
	}
}

// BenchmarkAssembleWarm assembles an image whose 300 blobs are known, as an unchanged build does.
func BenchmarkAssembleWarm(b *testing.B) {
	var r registry
	m := &memory{}
	for i := range 300 {
		f := blobFile(pattern(fmt.Sprint(i), 1000))
		if i < 100 {
			f.Size = layer.MinBlob
			must(b, m.Remember(f.Blob, layer.Facts{Digest: f.Blob, DiffID: f.Blob, Size: f.Size}))
		}
		r = append(r, f)
	}
	in := input(b, simple.write(b, b.TempDir()), amd64, r)
	in.Memory = m
	for b.Loop() {
		image(b, in)
	}
}

// BenchmarkApplication compresses 32 MB that look like a program.
func BenchmarkApplication(b *testing.B) {
	half := bytes.Repeat([]byte("some instructions and names, "), 16<<20/29)
	content := append(pattern("program", 16<<20), half...)
	e := layer.Entry{Path: "opt/program", Mode: 0o755, Size: int64(len(content)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
	b.SetBytes(e.Size)
	for b.Loop() {
		_, err := layer.WriteCompressed(b.Context(), io.Discard, []layer.Entry{e})
		must(b, err)
	}
}
