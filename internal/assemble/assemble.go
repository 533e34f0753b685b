package assemble

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// Registry is the registry directory of one platform; *registrydir.Dir is one.
type Registry interface {
	Files() iter.Seq[registrydir.File]
}

// Memory keeps the facts of blob layers, so that a blob is not read to find them out; *store.Store is one.
type Memory interface {
	Layer(blob v1.Hash) (layer.Facts, bool)
	Remember(blob v1.Hash, facts layer.Facts) error
}

// Input is what an image is made of.
type Input struct {
	// Dir is the context.
	Dir string
	// Kubefile is the build file, most often kubefile.Load(Dir).
	Kubefile *kubefile.Kubefile
	// Platform is a word such as linux/amd64.
	Platform string
	// Registry holds the container images that the context needs; nil or without files where it needs none. It takes
	// the place of the context's own directory registry, which is never read.
	Registry Registry
	// RegistryHashes says that what Registry's files give is hashed by their source, as a content store does.
	RegistryHashes bool
	// Memory may be nil.
	Memory Memory
	// Labels are added to those of the build file, and win over them.
	Labels map[string]string
	// Annotations are set on the manifest.
	Annotations map[string]string
	// Time is that of files and documents, SOURCE_DATE_EPOCH. The zero value is 1970.
	Time time.Time
	// Work is an existing directory for the compressed application layer. It and Dir have to stay as long as the layers
	// are read.
	Work string
}

// Assemble makes the image of one platform. Errors about the build file or the context name the line to blame.
func Assemble(ctx context.Context, in Input) (Image, error) {
	build, err := in.Kubefile.Build(in.Platform)
	if err != nil {
		return Image{}, err
	}
	root, err := os.OpenRoot(in.Dir)
	if err != nil {
		return Image{}, fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	parts, err := splitRegistry(in.Registry)
	if err != nil {
		return Image{}, err
	}
	tree, err := plan(ctx, root, in, build, !parts.empty())
	if err != nil {
		return Image{}, err
	}
	layers, err := parts.layers(ctx, in)
	if err != nil {
		return Image{}, err
	}
	app, err := in.application(ctx, tree, root)
	if err != nil {
		return Image{}, err
	}
	img, err := in.document(build, append(layers, app))
	img.Warnings = tree.warnings
	return img, err
}

// plan says what of the context goes where in the image, and applies the rules of cluster images to it.
func plan(ctx context.Context, root *os.Root, in Input, build kubefile.Build, needs bool) (*tree, error) {
	src, err := scan(ctx, root, in.Dir)
	if err != nil {
		return nil, err
	}
	src.needs = needs
	t := newTree()
	for _, c := range build.Copies {
		if c.Makes {
			src.working = c.Dest != "//" && c.Dest != "/"
		}
		if err := src.apply(t, c); err != nil {
			return nil, err
		}
	}
	return t, src.judge(t, in.Kubefile.Name)
}

// seconds is the time of files in seconds since 1970.
func (in Input) seconds() int64 {
	if in.Time.IsZero() {
		return 0
	}
	return in.Time.Unix()
}

// Check says whether a context can be assembled for a platform, without reading or writing more than names: everything
// that Assemble would complain about in build file and context. Needs says whether there will be container images.
// It returns the warnings.
func Check(ctx context.Context, in Input, needs bool) ([]string, error) {
	build, err := in.Kubefile.Build(in.Platform)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(in.Dir)
	if err != nil {
		return nil, fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	t, err := plan(ctx, root, in, build, needs)
	if err != nil {
		return nil, err
	}
	return t.warnings, nil
}

func newLayer(f layer.Facts, blob v1.Hash, open opener) Layer {
	d := v1.Descriptor{MediaType: layer.MediaType, Digest: f.Digest, Size: f.Size}
	return Layer{Desc: d, DiffID: f.DiffID, Blob: blob, Open: checked(d, open)}
}

// modeOf is the mode of a file in an image, whatever umask or checkout made it: 0755 for directories and for files that their owner may execute, else
// 0644. What --chmod says goes before.
func modeOf(m fs.FileMode, chmod *fs.FileMode) fs.FileMode {
	switch {
	case chmod != nil && m&fs.ModeSymlink == 0:
		return m.Type() | *chmod
	case m.IsDir():
		return fs.ModeDir | 0o755
	case m&fs.ModeSymlink != 0:
		return fs.ModeSymlink | 0o777
	case m&0o100 != 0:
		return 0o755
	}
	return 0o644
}
