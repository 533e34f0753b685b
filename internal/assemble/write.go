package assemble

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/disk"
)

const (
	// nameAnnotation and refAnnotation carry the full reference of an archive's image; sealos load reads them.
	nameAnnotation = "io.containerd.image.name"
	refAnnotation  = "org.opencontainers.image.ref.name"

	indexFile  = "index.json"
	layoutFile = "oci-layout"
	layoutText = `{"imageLayoutVersion":"1.0.0"}`
)

// member is a file of an archive or a layout.
type member struct {
	name string
	desc v1.Descriptor
	open opener
}

func textMember(name string, text []byte) member {
	return member{name: name, desc: v1.Descriptor{Size: int64(len(text)), Digest: digestOf(text)}, open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}}
}

// root is what an archive's index.json names: the index of several platforms, or the image itself of one. The sealos
// load command fails on an index whose only platform is not its own.
func (x Index) root() Content {
	if len(x.Images) == 1 {
		return x.Images[0].Manifest
	}
	return x.Content
}

// entrance is the content of index.json.
func (x Index) entrance(name string) (Content, error) {
	root := x.root()
	d := root.Descriptor()
	if len(x.Images) == 1 {
		d.Platform = &x.Images[0].Platform
	}
	if name != "" {
		d.Annotations = map[string]string{nameAnnotation: name, refAnnotation: name}
	}
	return document(types.OCIImageIndex, v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{d}})
}

// members are the blobs of a layout, each once: documents first, then layers, in the order of the platforms.
func (x Index) members() []member {
	var docs, layers []member
	if len(x.Images) > 1 {
		docs = append(docs, x.Content.member())
	}
	for _, img := range x.Images {
		docs = append(docs, img.Manifest.member(), img.Config.member())
		for _, l := range img.Layers {
			layers = append(layers, member{name: blobName(l.Desc.Digest), desc: l.Desc, open: l.Open})
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(append(docs, layers...), func(m member) bool {
		again := seen[m.name]
		seen[m.name] = true
		return again
	})
}

func (c Content) member() member { return textMember(blobName(c.Digest), c.Bytes) }

func blobName(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// WriteArchive writes an OCI archive: index.json first, with one entry that carries the full reference. The file
// appears when it is complete; one that holds the same already is left alone.
func WriteArchive(ctx context.Context, file string, x Index, name string) error {
	entrance, err := x.entrance(name)
	if err != nil {
		return err
	}
	all := append([]member{textMember(indexFile, entrance.Bytes), textMember(layoutFile, []byte(layoutText))}, x.members()...)
	return writeTar(ctx, file, all)
}

// writeTar writes the members in their order unless the file holds them already.
func writeTar(ctx context.Context, file string, all []member) error {
	if holds(file, all) {
		return nil
	}
	return replaceFile(file, archiveSize(all), func(w io.Writer) error {
		t := tar.NewWriter(w)
		buf := make([]byte, 1<<20)
		for _, m := range all {
			h := &tar.Header{Name: m.name, Size: m.desc.Size, Mode: 0o644, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg}
			if err := t.WriteHeader(h); err != nil {
				return err
			}
			if err := m.copyTo(ctx, t, buf); err != nil {
				return err
			}
		}
		return t.Close()
	})
}

// archiveSize is how many bytes an archive has: each member after a block with its name and filled up to whole blocks,
// and two empty blocks.
func archiveSize(all []member) int64 {
	const block = 512
	n := int64(2 * block)
	for _, m := range all {
		n += block + (m.desc.Size+block-1)/block*block
	}
	return n
}

// copyTo writes the member's bytes.
func (m member) copyTo(ctx context.Context, w io.Writer, buf []byte) error {
	r, err := m.open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, contextReader{ctx, r}, buf)
	if err == nil && n != m.desc.Size {
		err = fmt.Errorf("%w: %s has %d of %d bytes", ErrCorrupt, m.desc.Digest, n, m.desc.Size)
	}
	return err
}

// holds says whether an archive begins with the same index.json or manifest.json and has all members in full length.
// What they hold was verified when they were written.
func holds(file string, all []member) bool {
	a, err := openTar(file)
	if err != nil || len(a.files) != len(all) {
		return false
	}
	for i, m := range all {
		f, ok := a.files[m.name]
		if !ok || f.size != m.desc.Size {
			return false
		}
		if i == 0 && !bytes.Equal(readSmall(a, m), readAll(m)) {
			return false
		}
	}
	return true
}

func readSmall(a *tarFile, m member) []byte {
	b, err := a.small(m.name)
	if err != nil {
		return nil
	}
	return b
}

func readAll(m member) []byte {
	r, err := m.open()
	if err != nil {
		return nil
	}
	defer r.Close()
	b, _ := io.ReadAll(r)
	return b
}

// replaceFile lets a file of so many bytes appear under its name when write has succeeded. The directory is made if it is missing, and what a killed
// run left of the file is removed. When there is no room that is said before the first byte.
func replaceFile(file string, size int64, write func(io.Writer) error) error {
	dir, name := filepath.Split(file)
	if dir == "" {
		dir = "."
	}
	if err := replaceIn(dir, name, size, write); err != nil {
		return fmt.Errorf("write %s: %w", file, disk.Explain(err, filepath.Clean(dir), size, outputFlag))
	}
	return nil
}

// outputFlag chooses where archives and layouts are written.
const outputFlag = "--output"

func replaceIn(dir, name string, size int64, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.Mode().IsRegular() {
		return errors.New("it exists and is no file that could be replaced") // a device, above all
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	clearParts(dir, name)
	if err := disk.Room(filepath.Clean(dir), size, outputFlag); err != nil {
		return err
	}
	f, err := createPart(dir, name)
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}
