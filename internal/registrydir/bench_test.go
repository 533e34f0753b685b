package registrydir_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

// manyImages is images of 100 blobs each, without content.
func manyImages(blobs int) []registrydir.Image {
	var images []registrydir.Image
	desc := func(i int) v1.Descriptor {
		sum := sha256.Sum256(fmt.Append(nil, i))
		return v1.Descriptor{Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}}
	}
	for i := 0; i < blobs; i += 100 {
		image := registrydir.Image{Ref: reference.Reference{Host: "quay.io", Path: fmt.Sprintf("x/n%d", i), Tag: "1"}, Manifest: desc(i)}
		for j := range 99 {
			image.Blobs = append(image.Blobs, desc(i+1+j))
		}
		images = append(images, image)
	}
	return images
}

// BenchmarkFiles lays out and walks directories of growing size: the time per blob stays about the same.
func BenchmarkFiles(b *testing.B) {
	for _, blobs := range []int{1_000, 10_000, 100_000} {
		images := manyImages(blobs)
		b.Run(fmt.Sprint(blobs), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := registrydir.New(images, registrydirtest.NewStore())
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for range d.Files() {
					n++
				}
				if n <= 2*blobs {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(blobs), "ns/blob")
		})
	}
}

// BenchmarkWrite writes and reads back a directory of 10 000 small blobs.
func BenchmarkWrite(b *testing.B) {
	s := registrydirtest.NewStore()
	images := manyImages(10_000)
	for _, image := range images {
		for _, blob := range append(image.Blobs, image.Manifest) {
			s.Set(blob.Digest, []byte("x"))
		}
	}
	d := mustNew(b, images, s)
	for b.Loop() {
		dir := b.TempDir()
		if err := d.Write(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
		if _, err := registrydir.Read(dir); err != nil {
			b.Fatal(err)
		}
	}
}
