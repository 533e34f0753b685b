package assemble

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"golang.org/x/sync/errgroup"
)

// registryParts are the registry directory, divided into layers.
type registryParts struct {
	blobs  []registrydir.File // each a layer of its own, largest first
	groups []group            // those beyond
	rest   []layer.Entry
}

func (p registryParts) empty() bool { return len(p.blobs) == 0 && len(p.rest) == 0 }

// splitRegistry gives the largest blobs layers of their own, divides what is beyond among groups, and puts everything
// small into one layer. What becomes of a blob depends on the blobs and on the repositories that have them.
func splitRegistry(r Registry) (registryParts, error) {
	var p registryParts
	owners := owners{}
	if r == nil {
		return p, nil
	}
	for f := range r.Files() {
		switch {
		case f.Size < 0 || path.Clean("/"+f.Path) != "/"+f.Path:
			return p, fmt.Errorf("read registry directory: file %q of %d bytes is impossible", f.Path, f.Size)
		case f.Blob != (v1.Hash{}) && layer.Root+"/"+f.Path != layer.BlobPath(f.Blob):
			return p, fmt.Errorf("read registry directory: %s is not the place of blob %s", f.Path, f.Blob)
		case f.Blob != (v1.Hash{}) && f.Size >= layer.MinBlob:
			p.blobs = append(p.blobs, f)
		default:
			owners.note(f)
			p.rest = append(p.rest, restEntry(f))
		}
	}
	slices.SortFunc(p.blobs, func(a, b registrydir.File) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Blob.Hex, b.Blob.Hex))
	})
	if len(p.blobs) > layer.MaxBlobs {
		p.groups = owners.divide(p.blobs[layer.MaxBlobs:])
		p.blobs = p.blobs[:layer.MaxBlobs]
	}
	return p, nil
}

func restEntry(f registrydir.File) layer.Entry {
	return layer.Entry{Path: layer.Root + "/" + f.Path, Mode: 0o644, Size: f.Size, Open: f.Open}
}

// layers finds out the facts of all layers, reading only blobs that nobody has read before.
func (p registryParts) layers(ctx context.Context, in Input) ([]Layer, error) {
	layers := make([]Layer, len(p.blobs)+len(p.groups), layer.MaxBlobs+layer.MaxGroups+2)
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range p.blobs {
		g.Go(func() error {
			facts, err := in.blobFacts(each, f)
			layers[i] = newLayer(facts, f.Blob, blobOpener(f, facts))
			if in.RegistryHashes {
				layers[i].Open = blobOpener(f, facts)
			}
			return err
		})
	}
	for i, group := range p.groups {
		g.Go(func() (err error) {
			layers[len(p.blobs)+i], err = in.groupLayer(each, group)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(p.rest) == 0 {
		return layers, nil
	}
	facts, err := layer.StoredFacts(ctx, p.rest)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("read registry directory: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return append(layers, newLayer(facts, v1.Hash{}, func() (io.ReadCloser, error) { return layer.NewStored(p.rest) })), nil
}

// blobFacts asks the memory, and reads the blob where it does not know.
func (in Input) blobFacts(ctx context.Context, f registrydir.File) (layer.Facts, error) {
	if in.Memory != nil {
		if facts, ok := in.Memory.Layer(f.Blob); ok {
			return facts, nil
		}
	}
	facts, err := hashBlob(ctx, f)
	if err != nil {
		return layer.Facts{}, fmt.Errorf("read blob %s: %w", f.Blob, err)
	}
	if in.Memory != nil {
		if err := in.Memory.Remember(f.Blob, facts); err != nil {
			return layer.Facts{}, fmt.Errorf("remember layer of %s: %w", f.Blob, err)
		}
	}
	return facts, nil
}

// hashBlob reads a blob, which has to be what its name says.
func hashBlob(ctx context.Context, f registrydir.File) (layer.Facts, error) {
	r, err := f.Open()
	if err != nil {
		return layer.Facts{}, err
	}
	defer r.Close()
	own, h := sha256.New(), layer.NewHasher(f.Blob, f.Size)
	h.Along(own)
	if _, err := io.CopyBuffer(h, contextReader{ctx, r}, make([]byte, 256<<10)); err != nil {
		return layer.Facts{}, err
	}
	if got := hex.EncodeToString(own.Sum(nil)); got != f.Blob.Hex {
		return layer.Facts{}, fmt.Errorf("%w: its bytes are sha256:%s", ErrCorrupt, got)
	}
	return h.Facts()
}

// blobOpener makes the layer from the blob each time it is opened.
func blobOpener(f registrydir.File, facts layer.Facts) opener {
	return func() (io.ReadCloser, error) {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		if file, ok := r.(*os.File); ok && facts.Checksum != 0 {
			return fileLayer(f, file, facts.Checksum)
		}
		return readCloser{layer.NewReader(f.Blob, f.Size, r), r}, nil
	}
}

func fileLayer(f registrydir.File, file *os.File, checksum uint32) (io.ReadCloser, error) {
	r, err := layer.NewFileReader(f.Blob, f.Size, file, checksum)
	if err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}
