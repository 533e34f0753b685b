package assemble

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
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
	return replaceFile(file, func(w io.Writer) error {
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

// replaceFile lets a file appear under its name when write has succeeded. The directory is made if it is missing.
func replaceFile(file string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+".*.part")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", file, err)
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
	return os.Rename(f.Name(), file)
}

// WriteLayout writes an OCI layout directory. Blobs come first and index.json last, so that the directory shows the
// old content or the new, never a mixture; what is there already is not written again, and blobs that nothing names
// any more are removed. A directory that holds something else is refused.
func WriteLayout(ctx context.Context, dir string, x Index, name string) error {
	entrance, err := x.entrance(name)
	if err != nil {
		return err
	}
	if err := claimLayout(dir); err != nil {
		return err
	}
	members := append([]member{textMember(layoutFile, []byte(layoutText))}, x.members()...)
	buf := make([]byte, 1<<20)
	for _, m := range append(members, textMember(indexFile, entrance.Bytes)) {
		file := filepath.Join(dir, filepath.FromSlash(m.name))
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() && info.Size() == m.desc.Size && m.isBlob() {
			continue
		}
		if old, err := os.ReadFile(file); err == nil && !m.isBlob() && bytes.Equal(old, readAll(m)) {
			continue
		}
		if err := replaceFile(file, func(w io.Writer) error { return m.copyTo(ctx, w, buf) }); err != nil {
			return err
		}
	}
	return prune(dir, members)
}

func (m member) isBlob() bool { return m.name != indexFile && m.name != layoutFile }

// claimLayout makes sure that the directory is a layout or empty.
func claimLayout(dir string) error {
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	for _, n := range names {
		if n.Name() == layoutFile || n.Name() == "blobs" {
			return nil
		}
	}
	return fmt.Errorf("write layout: %s holds other files (%s): name an empty or a new directory", dir, names[0].Name())
}

// prune removes blobs that are not among the members.
func prune(dir string, members []member) error {
	keep := map[string]bool{}
	for _, m := range members {
		keep[filepath.Base(m.name)] = true
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	names, err := os.ReadDir(blobs)
	if err != nil {
		return fmt.Errorf("clear layout: %w", err)
	}
	for _, n := range names {
		if !keep[n.Name()] && n.Type().IsRegular() {
			if err := os.Remove(filepath.Join(blobs, n.Name())); err != nil {
				return fmt.Errorf("clear layout: %w", err)
			}
		}
	}
	return nil
}

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
