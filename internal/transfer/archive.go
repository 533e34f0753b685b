package transfer

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

// The kinds of archives, as the lists of images/skopeo/tar.txt spell them.
const (
	DockerArchive = "docker-archive"
	OCIArchive    = "oci-archive"
)

// maxFiles bounds the entries of an archive.
const maxFiles = 100_000

// ErrArchive means that a file is not the archive that it is said to be.
var ErrArchive = errors.New("unusable image archive")

// FromArchive takes an image out of an archive of docker save (docker-archive) or an OCI layout in a tar (oci-archive)
// into the store. Where the archive holds several images, it is the one that the archive calls by the reference. When
// platforms are missing, the error is [MissingPlatforms] and the image has those that are there.
//
// The layers of docker save are not compressed; they are stored compressed, as a registry would have them.
func (t *Transfer) FromArchive(ctx context.Context, kind string, file io.ReaderAt, size int64, ref reference.Reference, platforms []string) (Image, error) {
	a, err := openArchive(file, size)
	if err != nil {
		return Image{}, fmt.Errorf("read %s for %s: %w", kind, ref, err)
	}
	o := outcome{image: Image{Ref: ref, Source: ref, Platforms: map[string]PlatformImage{}}}
	r := Request{Ref: ref, Platforms: platforms}
	switch kind {
	case DockerArchive:
		err = t.fromDocker(ctx, a, r, &o)
	case OCIArchive:
		err = t.fromLayout(ctx, a, r, &o)
	default:
		err = fmt.Errorf("%w: kind %q, want %s or %s", ErrArchive, kind, DockerArchive, OCIArchive)
	}
	if err != nil {
		return Image{}, fmt.Errorf("read %s for %s: %w", kind, ref, err)
	}
	if len(o.missing) > 0 {
		return o.image, &MissingPlatforms{o.missing}
	}
	return o.image, nil
}

// archive is a tar whose files can be read in any order.
type archive struct {
	file  io.ReaderAt
	files map[string]store.Span
	links map[string]string
}

func openArchive(file io.ReaderAt, size int64) (*archive, error) {
	magic := make([]byte, 2)
	if _, err := file.ReadAt(magic, 0); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return nil, fmt.Errorf("%w: it is compressed; gunzip it first", ErrArchive)
	}
	a := &archive{file: file, files: map[string]store.Span{}, links: map[string]string{}}
	section := io.NewSectionReader(file, 0, size)
	for r := tar.NewReader(section); ; {
		h, err := r.Next()
		if err == io.EOF {
			return a, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		at, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		a.note(h, at)
		if len(a.files)+len(a.links) > maxFiles {
			return nil, fmt.Errorf("%w: more than %d files", ErrArchive, maxFiles)
		}
	}
}

func (a *archive) note(h *tar.Header, at int64) {
	name := path.Clean("/" + h.Name)
	switch h.Typeflag {
	case tar.TypeReg:
		a.files[name] = store.Span{From: at, To: at + h.Size}
	case tar.TypeSymlink:
		a.links[name] = path.Join(path.Dir(name), h.Linkname)
	case tar.TypeLink:
		a.links[name] = path.Clean("/" + h.Linkname)
	}
}

// open gives a file of the archive. Layers that docker save wrote twice are links to the first.
func (a *archive) open(name string) (*io.SectionReader, error) {
	name = path.Clean("/" + name)
	for range 8 {
		if s, ok := a.files[name]; ok {
			return io.NewSectionReader(a.file, s.From, s.Len()), nil
		}
		to, ok := a.links[name]
		if !ok {
			break
		}
		name = to
	}
	return nil, fmt.Errorf("%w: it lacks %s", ErrArchive, strings.TrimPrefix(name, "/"))
}

func (a *archive) readAll(name string, limit int64) ([]byte, error) {
	r, err := a.open(name)
	if err != nil {
		return nil, err
	}
	if r.Size() > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d can be", ErrArchive, name, r.Size(), limit)
	}
	return io.ReadAll(r)
}

func (a *archive) readJSON(name string, into any) error {
	b, err := a.readAll(name, registry.ManifestLimit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrArchive, name, err)
	}
	return nil
}

// readTop reads the file that says what an archive of its kind holds. Where that of the other kind is there instead, the error
// says so.
func (a *archive) readTop(name string, into any, otherKind, otherName string) error {
	err := a.readJSON(name, into)
	_, is := a.files["/"+name]
	if _, other := a.files["/"+otherName]; other && !is {
		return fmt.Errorf("%w, but has %s: write %s: before its path", err, otherName, otherKind)
	}
	return err
}

func layoutPath(d v1.Hash) string { return "blobs/" + d.Algorithm + "/" + d.Hex }

// fromLayout takes the image out of an OCI layout.
func (t *Transfer) fromLayout(ctx context.Context, a *archive, r Request, o *outcome) error {
	var list v1.IndexManifest
	if err := a.readTop("index.json", &list, DockerArchive, "manifest.json"); err != nil {
		return err
	}
	d, err := pick(list.Manifests, r.Ref)
	if err != nil {
		return err
	}
	if err := t.adopt(a, d, 1); err != nil {
		return err
	}
	top, ok := t.kept(d)
	if !ok {
		return fmt.Errorf("%w: %s is not in it", ErrArchive, d.Digest)
	}
	find := t.single
	if top.MediaType.IsIndex() {
		o.image.Index = &top
		find = t.indexed
	}
	if err := find(ctx, r, o, top); err != nil {
		return err
	}
	for _, p := range o.image.Platforms {
		for _, l := range p.Layers {
			if err := t.copyIn(ctx, a, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// refName is the annotation by which a layout names its images.
const refName = "org.opencontainers.image.ref.name"

// pick finds the image that is meant: the only one, or the one of that name.
func pick(all []v1.Descriptor, ref reference.Reference) (v1.Descriptor, error) {
	if len(all) == 1 {
		return all[0], nil
	}
	var names []string
	for _, d := range all {
		name := d.Annotations[refName]
		if same(name, ref) || name == ref.Tag && name != "" {
			return d, nil
		}
		names = append(names, name)
	}
	return v1.Descriptor{}, fmt.Errorf("%w: it holds %d images and none is called %s: %q", ErrArchive, len(all), ref, names)
}

func same(name string, ref reference.Reference) bool {
	r, err := reference.Parse(name)
	return err == nil && name != "" && r.Repository() == ref.Repository() && r.Tag == ref.Tag
}

// adopt stores the manifests and configs below an entry. Their digests are those that the store gives them.
func (t *Transfer) adopt(a *archive, d v1.Descriptor, depth int) error {
	if depth > maxDepth+1 {
		return fmt.Errorf("%w: indexes are nested more than %d deep", ErrTooDeep, maxDepth)
	}
	b, err := t.adoptFile(a, d.Digest, registry.ManifestLimit)
	if err != nil {
		return err
	}
	m := registry.NewManifest(d.MediaType, b)
	if !m.MediaType.IsIndex() {
		p, err := readImage(m)
		if err == nil {
			_, err = t.adoptFile(a, p.Config.Digest, configLimit)
		}
		return err
	}
	var list v1.IndexManifest
	if err := json.Unmarshal(b, &list); err != nil || len(list.Manifests) > maxEntries {
		return fmt.Errorf("%w: index %s", ErrArchive, d.Digest)
	}
	for _, e := range list.Manifests {
		if _, err := a.open(layoutPath(e.Digest)); err != nil || attestation(e) {
			continue // an archive of some platforms keeps the index of all
		}
		if err := t.adopt(a, e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (t *Transfer) adoptFile(a *archive, d v1.Hash, limit int64) ([]byte, error) {
	b, err := a.readAll(layoutPath(d), limit)
	if err != nil {
		return nil, err
	}
	got, err := t.store.Put(b)
	if err == nil && got != d {
		err = fmt.Errorf("%w: %s has other bytes than its name says", ErrArchive, layoutPath(d))
	}
	return b, err
}

// copyIn stores one blob of a layout.
func (t *Transfer) copyIn(ctx context.Context, a *archive, d v1.Descriptor) error {
	r, err := a.open(layoutPath(d.Digest))
	if err != nil {
		return err
	}
	i, err := t.store.Ingest(d)
	for errors.Is(err, store.ErrBusy) {
		if err = t.clock.Sleep(ctx, busyWait); err == nil {
			i, err = t.store.Ingest(d)
		}
	}
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	if err != nil {
		return err
	}
	defer i.Close()
	if err := i.Restart(); err != nil {
		return err
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	if _, err := io.CopyBuffer(struct{ io.Writer }{i}, withContext{ctx, r}, *b); err != nil {
		return err
	}
	return i.Commit()
}

// withContext stops reading when the context ends.
type withContext struct {
	ctx context.Context
	r   io.Reader
}

func (w withContext) Read(p []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// manifestOf makes the manifest of an image of docker save.
func manifestOf(config v1.Descriptor, layers []v1.Descriptor) (registry.Manifest, error) {
	b, err := json.Marshal(v1.Manifest{SchemaVersion: 2, MediaType: types.DockerManifestSchema2, Config: config, Layers: layers})
	return registry.NewManifest(types.DockerManifestSchema2, b), err
}
