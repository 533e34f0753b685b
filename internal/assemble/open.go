package assemble

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// maxDocument bounds a manifest, an index or a config in bytes.
	maxDocument = 4 << 20
	// maxImages bounds how many images an index may name.
	maxImages = 256
	// maxLayers bounds how many layers a manifest may name.
	maxLayers = 1024
)

// files is a layout: a directory, or an archive that holds one.
type files interface {
	length(name string) (int64, bool)
	open(name string) (io.ReadCloser, error)
	small(name string) ([]byte, error)
}

// Open reads what WriteArchive, WriteLayout or WriteDockerArchive wrote, or what other programs wrote in these forms.
// Documents are read and verified, layers are looked at only when they are opened (a docker archive's once, for their
// digests). The file has to stay as it is as long as the index is used.
func Open(name string) (Index, error) {
	x, err := open(name)
	if err != nil {
		return Index{}, fmt.Errorf("open %s: %w", name, err)
	}
	return x, nil
}

func open(name string) (Index, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Index{}, plain(err)
	}
	var f files
	if info.IsDir() {
		f, err = dirFiles(name), nil
	} else {
		f, err = openTar(name)
	}
	if err != nil {
		return Index{}, err
	}
	if _, ok := f.length(indexFile); ok {
		return readLayout(f)
	}
	if _, ok := f.length(dockerFile); ok {
		return readDocker(f)
	}
	return Index{}, fmt.Errorf("it has neither %s nor %s: it is no image archive and no OCI layout", indexFile, dockerFile)
}

// plain takes the path out of an error whose message names it already.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// readLayout follows index.json to the image.
func readLayout(f files) (Index, error) {
	b, err := f.small(indexFile)
	if err != nil {
		return Index{}, err
	}
	var m v1.IndexManifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Index{}, fmt.Errorf("read %s: %w", indexFile, err)
	}
	if len(m.Manifests) != 1 {
		return Index{}, fmt.Errorf("%s names %d images, and one is needed: copy the one that is meant with skopeo copy --all into an archive of its own", indexFile, len(m.Manifests))
	}
	root := m.Manifests[0]
	x, err := readRoot(f, root)
	x.Name = referenceOf(root.Annotations)
	return x, err
}

// referenceOf is the full reference among annotations; a bare tag is none.
func referenceOf(annotations map[string]string) string {
	for _, key := range []string{nameAnnotation, refAnnotation} {
		if name := annotations[key]; strings.ContainsAny(name, "/:") {
			return name
		}
	}
	return ""
}

// readRoot reads an index and its images, or makes the index of a single image.
func readRoot(f files, root v1.Descriptor) (Index, error) {
	if !root.MediaType.IsIndex() {
		img, err := readImage(f, root)
		if err != nil {
			return Index{}, err
		}
		var m v1.Manifest
		if err := json.Unmarshal(img.Manifest.Bytes, &m); err != nil {
			return Index{}, err
		}
		return NewIndex([]Image{img}, m.Annotations)
	}
	c, err := readDocument(f, root)
	if err != nil {
		return Index{}, err
	}
	var m v1.IndexManifest
	if err := json.Unmarshal(c.Bytes, &m); err != nil {
		return Index{}, fmt.Errorf("read index %s: %w", c.Digest, err)
	}
	if len(m.Manifests) == 0 || len(m.Manifests) > maxImages {
		return Index{}, fmt.Errorf("index %s names %d images, and 1 to %d are taken", c.Digest, len(m.Manifests), maxImages)
	}
	x := Index{Content: c}
	for _, d := range m.Manifests {
		img, err := readImage(f, d)
		if err != nil {
			return Index{}, err
		}
		x.Images = append(x.Images, img)
	}
	return x, nil
}

// readDocument reads and verifies what a descriptor names.
func readDocument(f files, d v1.Descriptor) (Content, error) {
	if err := present(f, d); err != nil {
		return Content{}, err
	}
	b, err := f.small(blobName(d.Digest))
	if err != nil {
		return Content{}, err
	}
	if got := digestOf(b); got != d.Digest {
		return Content{}, fmt.Errorf("%w: %s is really %s", ErrCorrupt, d.Digest, got)
	}
	return Content{MediaType: d.MediaType, Digest: d.Digest, Bytes: b}, nil
}

// present says whether a blob is there in full length. Its name is a path, so it must be a digest.
func present(f files, d v1.Descriptor) error {
	if _, err := v1.NewHash(d.Digest.String()); err != nil {
		return fmt.Errorf("digest %q: %w", d.Digest, err)
	}
	size, ok := f.length(blobName(d.Digest))
	switch {
	case !ok:
		return fmt.Errorf("%s is missing: the archive is not complete", d.Digest)
	case size != d.Size:
		return fmt.Errorf("%w: %s has %d bytes instead of %d", ErrCorrupt, d.Digest, size, d.Size)
	}
	return nil
}

// readImage reads manifest and config, and finds the layers.
func readImage(f files, d v1.Descriptor) (Image, error) {
	if !d.MediaType.IsImage() {
		return Image{}, fmt.Errorf("%s is a %q, no image manifest", d.Digest, d.MediaType)
	}
	manifest, err := readDocument(f, d)
	if err != nil {
		return Image{}, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(manifest.Bytes, &m); err != nil {
		return Image{}, fmt.Errorf("read manifest %s: %w", d.Digest, err)
	}
	if len(m.Layers) > maxLayers {
		return Image{}, fmt.Errorf("manifest %s names %d layers, and %d are the most that are taken", d.Digest, len(m.Layers), maxLayers)
	}
	config, err := readDocument(f, m.Config)
	if err != nil {
		return Image{}, fmt.Errorf("config of %s: %w", d.Digest, err)
	}
	img := Image{Manifest: manifest, Config: config}
	for _, l := range m.Layers {
		if err := present(f, l); err != nil {
			return Image{}, fmt.Errorf("layer of %s: %w", d.Digest, err)
		}
		name := blobName(l.Digest)
		img.Layers = append(img.Layers, Layer{Desc: l, Open: checked(l, func() (io.ReadCloser, error) { return f.open(name) })})
	}
	return img, img.describe(d.Platform)
}

// describe fills in what the config says: platform and diff IDs. What is no image's config, an attestation's for
// example, says nothing.
func (i *Image) describe(platform *v1.Platform) error {
	var c v1.ConfigFile
	if err := json.Unmarshal(i.Config.Bytes, &c); err != nil && platform == nil {
		return fmt.Errorf("read config %s: %w", i.Config.Digest, err)
	}
	if platform == nil {
		platform = c.Platform()
	}
	if platform == nil {
		return fmt.Errorf("config %s names no platform", i.Config.Digest)
	}
	i.Platform = *platform
	if len(c.RootFS.DiffIDs) == len(i.Layers) {
		for n, d := range c.RootFS.DiffIDs {
			i.Layers[n].DiffID = d
		}
	}
	return nil
}
