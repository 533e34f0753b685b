package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// readSaved is the content of what a tool saved: an OCI layout, a registry directory, or one registry directory for each platform. Only what can be
// reached from a tag counts, and every byte of it is hashed.
func readSaved(dir string, images []imageSpec) (content, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open what was saved: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat("index.json"); err == nil {
		return readLayout(root)
	}
	if _, err := root.Stat(registryRoot); err == nil {
		return readRegistry(root, images)
	}
	all := content{}
	for _, arch := range archs(images) {
		one, err := readPlatformDir(filepath.Join(dir, "linux-"+arch), images)
		if err != nil {
			return nil, err
		}
		all.add(one)
	}
	return all, nil
}

// registryRoot is where a registry directory begins.
const registryRoot = "docker/registry/v2"

func readPlatformDir(dir string, images []imageSpec) (content, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open what was saved: %w", err)
	}
	defer root.Close()
	return readRegistry(root, images)
}

// reader walks from manifests to what they name.
type reader struct {
	root *os.Root
	// place is the path of a blob.
	place func(hex string) string
	seen  content
}

func readLayout(root *os.Root) (content, error) {
	r := reader{root, func(hex string) string { return "blobs/sha256/" + hex }, content{}}
	b, err := root.ReadFile("index.json")
	if err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	for _, m := range index.Manifests {
		if err := r.manifest(m.Digest.String()); err != nil {
			return nil, err
		}
	}
	return r.seen, nil
}

// readRegistry begins at the tags of the images.
func readRegistry(root *os.Root, images []imageSpec) (content, error) {
	r := reader{root, func(hex string) string { return path.Join(registryRoot, "blobs/sha256", hex[:2], hex, "data") }, content{}}
	for _, i := range images {
		link, err := root.ReadFile(path.Join(registryRoot, "repositories", i.repository, "_manifests/tags", i.tag, "current/link"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not among what was saved", i.name())
		}
		if err != nil {
			return nil, fmt.Errorf("read tag: %w", err)
		}
		if err := r.manifest(strings.TrimSpace(string(link))); err != nil {
			return nil, fmt.Errorf("%s: %w", i.name(), err)
		}
	}
	return r.seen, nil
}

// manifest reads a manifest and all that it names. An index counts for what it names only.
func (r *reader) manifest(digest string) error {
	if _, ok := r.seen[digest]; ok {
		return nil
	}
	size, err := r.check(digest)
	if err != nil {
		return err
	}
	b, err := r.root.ReadFile(r.place(hexOf(digest)))
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	var m struct {
		v1.Manifest
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("read manifest %s: %w", digest, err)
	}
	for _, d := range m.Manifests {
		if err := r.manifest(d.Digest.String()); err != nil {
			return err
		}
	}
	if len(m.Manifests) > 0 {
		return nil
	}
	r.seen[digest] = size
	return r.blobs(append(m.Layers, m.Config))
}

func (r *reader) blobs(all []v1.Descriptor) error {
	for _, d := range all {
		digest := d.Digest.String()
		if _, ok := r.seen[digest]; ok {
			continue
		}
		size, err := r.check(digest)
		if err != nil {
			return err
		}
		r.seen[digest] = size
	}
	return nil
}

// check hashes a blob.
func (r *reader) check(digest string) (int64, error) {
	if len(hexOf(digest)) != 64 {
		return 0, fmt.Errorf("digest %q is none", digest)
	}
	f, err := r.root.Open(r.place(hexOf(digest)))
	if err != nil {
		return 0, fmt.Errorf("open blob: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return 0, fmt.Errorf("read blob: %w", err)
	}
	if got := fmt.Sprintf("sha256:%x", h.Sum(nil)); got != digest {
		return 0, fmt.Errorf("blob %s has the bytes of %s", digest, got)
	}
	return n, nil
}

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

// diskUsage is how many bytes of disk the files below directories take; what is linked twice counts once.
func diskUsage(dirs ...string) int64 {
	seen := map[fileID]bool{}
	var total int64
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil
			}
			info, err := e.Info()
			if err != nil {
				return nil
			}
			id, blocks, ok := identify(info)
			if ok && !seen[id] {
				seen[id] = true
				total += blocks
			}
			return nil
		})
	}
	return total
}

type fileID struct{ device, inode uint64 }
