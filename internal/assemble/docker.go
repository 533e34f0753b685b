package assemble

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// WriteDockerArchive writes the form of docker save, which holds one platform. Its layers stay compressed: docker,
// podman and sealos load them so.
func WriteDockerArchive(ctx context.Context, file string, x Index, name string) error {
	if len(x.Images) != 1 {
		return fmt.Errorf("write %s: a docker-archive holds one platform, and this image has %d: choose one with --platform, or the format oci-archive", file, len(x.Images))
	}
	img := x.Images[0]
	config := textMember(img.Config.Digest.Hex+".json", img.Config.Bytes)
	entry := dockerImage{Config: config.name, RepoTags: []string{}}
	if name != "" {
		entry.RepoTags = []string{name}
	}
	layers := map[string]member{}
	for _, l := range img.Layers {
		n := l.Desc.Digest.Hex + ".tar.gz"
		entry.Layers = append(entry.Layers, n)
		layers[n] = member{name: n, desc: l.Desc, open: l.Open}
	}
	head, err := document("", []dockerImage{entry})
	if err != nil {
		return err
	}
	all := []member{textMember(dockerFile, head.Bytes), config}
	return writeTar(ctx, file, append(all, slices.SortedFunc(maps.Values(layers), func(a, b member) int { return cmp.Compare(a.name, b.name) })...))
}

// dockerFile is the entrance of a docker archive, a list of dockerImage.
const dockerFile = "manifest.json"

type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}
