package assemble

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/labring-actions/cluster-image/internal/layer"
)

// largeApplication is the size in bytes from which on it pays to ask the memory what the files' layer is, for which
// they are read, before they are compressed.
const largeApplication = 8 << 20

// Application makes the layer of the application's files alone, which is the last one of the image. No blob of the registry directory is read for it.
func Application(ctx context.Context, in Input) (Layer, error) {
	build, err := in.Kubefile.Build(in.Platform)
	if err != nil {
		return Layer{}, err
	}
	root, err := os.OpenRoot(in.Dir)
	if err != nil {
		return Layer{}, fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	parts, err := splitRegistry(in.Registry)
	if err != nil {
		return Layer{}, err
	}
	tree, err := plan(ctx, root, in, build, !parts.empty())
	if err != nil {
		return Layer{}, err
	}
	return in.application(ctx, tree, root)
}

// application makes the layer of the application's files. Where the memory knows what becomes of the same files, they
// are compressed only if somebody reads the layer.
func (in Input) application(ctx context.Context, t *tree, root *os.Root) (Layer, error) {
	a := &application{in: in, tree: t}
	if in.Memory == nil || t.size() < largeApplication {
		return a.layer(ctx, root)
	}
	tar, err := layer.DiffID(ctx, t.entries(root, in.seconds()))
	if err != nil {
		return Layer{}, fmt.Errorf("read application: %w", err)
	}
	key := digestOf([]byte("application layer, " + layer.Compression + ", " + tar.String()))
	if facts, ok := in.Memory.Layer(key); ok && facts.DiffID == tar {
		return newLayer(facts, v1.Hash{}, a.open), nil
	}
	l, err := a.layer(ctx, root)
	if err != nil {
		return Layer{}, err
	}
	return l, in.Memory.Remember(key, layer.Facts{Digest: l.Desc.Digest, DiffID: l.DiffID, Size: l.Desc.Size})
}

// size adds up the files.
func (t *tree) size() (n int64) {
	for _, it := range t.items {
		n += it.size
	}
	return n
}

// application is the layer of the application's files, compressed into the work directory once.
type application struct {
	in   Input
	tree *tree
	mu   sync.Mutex
	file string
}

func (a *application) layer(ctx context.Context, root *os.Root) (Layer, error) {
	facts, err := a.write(ctx, root)
	return newLayer(facts, v1.Hash{}, a.open), err
}

// open opens the compressed layer, and makes it where that was put off.
func (a *application) open() (io.ReadCloser, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == "" {
		root, err := os.OpenRoot(a.in.Dir)
		if err != nil {
			return nil, fmt.Errorf("open context: %w", err)
		}
		defer root.Close()
		if _, err := a.write(context.Background(), root); err != nil {
			return nil, err
		}
	}
	return os.Open(a.file)
}

// write compresses the files.
func (a *application) write(ctx context.Context, root *os.Root) (layer.Facts, error) {
	f, err := os.CreateTemp(a.in.Work, "application-*.part")
	if err != nil {
		return layer.Facts{}, fmt.Errorf("write application layer: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	facts, err := layer.WriteCompressed(ctx, f, a.tree.entries(root, a.in.seconds()))
	if err != nil {
		return layer.Facts{}, fmt.Errorf("write application layer: %w", err)
	}
	if err := f.Close(); err != nil {
		return layer.Facts{}, fmt.Errorf("write application layer: %w", err)
	}
	name := strings.TrimSuffix(f.Name(), ".part") + ".tar.gz"
	if err := os.Rename(f.Name(), name); err != nil {
		return layer.Facts{}, fmt.Errorf("write application layer: %w", err)
	}
	a.file = name
	return facts, nil
}
