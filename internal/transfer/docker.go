package transfer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// savedImage is an entry of manifest.json, which docker save writes.
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// fromDocker takes the image out of an archive of docker save.
func (t *Transfer) fromDocker(ctx context.Context, a *archive, r Request, o *outcome) error {
	var all []savedImage
	if err := a.readTop("manifest.json", &all, OCIArchive, "index.json"); err != nil {
		return err
	}
	saved, err := pickSaved(all, r.Ref)
	if err != nil {
		return err
	}
	config, err := a.readAll(saved.Config, configLimit)
	if err != nil {
		return err
	}
	layers, err := t.savedLayers(ctx, a, saved, config)
	if err != nil {
		return err
	}
	d, err := t.store.Put(config)
	if err != nil {
		return err
	}
	m, err := manifestOf(v1.Descriptor{MediaType: types.DockerConfigJSON, Size: int64(len(config)), Digest: d}, layers)
	if err != nil {
		return err
	}
	if err := t.keep(m); err != nil {
		return err
	}
	return t.single(ctx, r, o, m)
}

func pickSaved(all []savedImage, ref reference.Reference) (savedImage, error) {
	if len(all) == 1 {
		return all[0], nil
	}
	var names []string
	for _, s := range all {
		if slices.ContainsFunc(s.RepoTags, func(name string) bool { return same(name, ref) }) {
			return s, nil
		}
		names = append(names, s.RepoTags...)
	}
	return savedImage{}, fmt.Errorf("%w: it holds %d images and none is called %s: %q", ErrArchive, len(all), ref, names)
}

// savedLayers stores the layers and compares them with the diff IDs of the config.
func (t *Transfer) savedLayers(ctx context.Context, a *archive, saved savedImage, config []byte) ([]v1.Descriptor, error) {
	var c struct {
		RootFS v1.RootFS `json:"rootfs"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("%w: config: %w", ErrArchive, err)
	}
	if len(c.RootFS.DiffIDs) != len(saved.Layers) || len(saved.Layers) > maxLayers {
		return nil, fmt.Errorf("%w: %d layers, but the config names %d", ErrArchive, len(saved.Layers), len(c.RootFS.DiffIDs))
	}
	layers := make([]v1.Descriptor, len(saved.Layers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range saved.Layers {
		group.Go(func() (err error) {
			layers[i], err = t.savedLayer(ctx, a, name, c.RootFS.DiffIDs[i])
			return err
		})
	}
	return layers, group.Wait()
}

// savedLayer stores one layer, compressed unless it is.
func (t *Transfer) savedLayer(ctx context.Context, a *archive, name string, diff v1.Hash) (v1.Descriptor, error) {
	r, err := a.open(name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	source := bufio.NewReaderSize(withContext{ctx, r}, bufferSize)
	magic, err := source.Peek(2)
	packed := err == nil && magic[0] == 0x1f && magic[1] == 0x8b
	var content io.Reader = source
	var compressed *compressor
	if !packed {
		compressed = compress(source)
		defer compressed.Close()
		content = compressed
	}
	d, size, err := t.store.Add(ctx, content)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if !packed && compressed.sum() != diff.Hex {
		return v1.Descriptor{}, fmt.Errorf("%w: layer %s is not the one that the config names", ErrArchive, name)
	}
	return v1.Descriptor{MediaType: types.DockerLayer, Size: size, Digest: d}, nil
}

// compressor is the gzip of what is read, with the digest of what goes in. The bytes depend on the pinned library alone.
type compressor struct {
	*io.PipeReader
	done chan struct{}
	hex  string
}

func compress(r io.Reader) *compressor {
	pr, pw := io.Pipe()
	c := &compressor{PipeReader: pr, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		h := sha256.New()
		out := bufio.NewWriterSize(pw, bufferSize)
		z := gzip.NewWriter(out)
		_, err := io.Copy(z, io.TeeReader(r, h))
		if err == nil {
			err = z.Close()
		}
		if err == nil {
			err = out.Flush()
		}
		c.hex = hex.EncodeToString(h.Sum(nil))
		pw.CloseWithError(err)
	}()
	return c
}

// sum is the digest of what went in, after the end was read.
func (c *compressor) sum() string {
	<-c.done
	return c.hex
}
