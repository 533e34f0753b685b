package main

import (
	"fmt"
	"runtime"
)

// Sizes of the set's layers, in bytes. Together with two platforms and ten images they make 335 MB of unique content.
const (
	megabyte   = 1_000_000
	commonSize = 10 * megabyte
	baseSize   = 30 * megabyte
)

// ownSizes are the layers that only one image of one platform has: 13.25 MB.
func ownSizes() []int64 { return []int64{7 * megabyte, 5 * megabyte, megabyte, megabyte / 4} }

func platforms() []string { return []string{"amd64", "arm64"} }

// layerSpec names a layer: the same name and size are the same bytes on every machine.
type layerSpec struct {
	name string
	size int64
}

// imageSpec is an image of the set: what it is called, and its layers for each architecture.
type imageSpec struct {
	repository, tag string
	layers          map[string][]layerSpec
}

func (s imageSpec) name() string { return s.repository + ":" + s.tag }

// standardSet is ten images for two platforms. Of the version v2, the fifth image is another one than of v1.
func standardSet(version string) []imageSpec {
	var out []imageSpec
	for n := 1; n <= 10; n++ {
		tag := "v1"
		if n == 5 {
			tag = version
		}
		out = append(out, standardImage(n, tag))
	}
	return out
}

func standardImage(n int, tag string) imageSpec {
	s := imageSpec{repository: fmt.Sprintf("bench/image%02d", n), tag: tag, layers: map[string][]layerSpec{}}
	for _, arch := range platforms() {
		layers := []layerSpec{{"base " + arch, baseSize}, {"common", commonSize}}
		for i, size := range ownSizes() {
			layers = append(layers, layerSpec{fmt.Sprintf("%s %s %s %d", s.repository, tag, arch, i), size})
		}
		s.layers[arch] = layers
	}
	return s
}

// plainSet is count images whose layers are all their own.
func plainSet(label string, count, layers int, size int64) []imageSpec {
	var out []imageSpec
	for n := range count {
		s := imageSpec{repository: fmt.Sprintf("%s/image%03d", label, n), tag: "v1", layers: map[string][]layerSpec{}}
		for _, arch := range platforms() {
			for l := range layers {
				s.layers[arch] = append(s.layers[arch], layerSpec{fmt.Sprintf("%s %d %s %d", label, n, arch, l), size})
			}
		}
		out = append(out, s)
	}
	return out
}

// onePlatform leaves the architecture of this machine, or amd64 where the set does not have it.
func onePlatform(images []imageSpec) []imageSpec {
	arch := "amd64"
	if runtime.GOARCH == "arm64" {
		arch = "arm64"
	}
	for i, s := range images {
		images[i].layers = map[string][]layerSpec{arch: s.layers[arch]}
	}
	return images
}
