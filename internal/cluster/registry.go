// Package cluster proves that a registry directory is complete the way a sealos cluster sees it: it copies the tags, and only the tags, into an empty
// registry, as `sealos registry sync` and `sealos run` do, and then asks for every image as image-cri-shim does on a node.
package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// maxManifest is the limit that registries set.
	maxManifest = 4 << 20
	// maxKept bounds the blobs whose bytes are kept: those that a manifest calls its config.
	maxKept = 16 << 20
)

// Registry is a cluster's registry, empty at first. It checks what is copied into it as a real one does, but remembers of layers only that they came,
// so that proving a large image needs little memory. It answers pulls over HTTP.
type Registry struct {
	mu    sync.Mutex
	repos map[string]*repository
	// blobs hold a config's bytes, and nil for a layer.
	blobs map[v1.Hash][]byte
	bytes int64
}

type repository struct {
	manifests map[v1.Hash]manifest
	tags      map[string]v1.Hash
	// blobs are those that the repository may give out.
	blobs map[v1.Hash]bool
}

// manifest is what image manifests and indexes say of their content.
type manifest struct {
	MediaType types.MediaType `json:"mediaType"`
	Config    *v1.Descriptor  `json:"config"`
	Layers    []v1.Descriptor `json:"layers"`
	Manifests []v1.Descriptor `json:"manifests"`

	digest v1.Hash
	bytes  []byte
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry {
	return &Registry{repos: map[string]*repository{}, blobs: map[v1.Hash][]byte{}}
}

// parseManifest reads a manifest that a registry gave with that Content-Type.
func parseManifest(mediaType string, b []byte) (manifest, error) {
	m := manifest{bytes: b}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if m.MediaType == "" {
		m.MediaType = types.MediaType(mediaType)
	}
	if !m.MediaType.IsIndex() && m.Config == nil {
		return m, fmt.Errorf("read manifest: %s without a config", m.MediaType)
	}
	var err error
	m.digest, _, err = v1.SHA256(bytes.NewReader(b))
	return m, err
}

// blobs are the config and the layers.
func (m manifest) blobs() []v1.Descriptor {
	if m.Config == nil {
		return m.Layers
	}
	return append([]v1.Descriptor{*m.Config}, m.Layers...)
}

func (r *Registry) repo(name string) *repository {
	repo, ok := r.repos[name]
	if !ok {
		repo = &repository{manifests: map[v1.Hash]manifest{}, tags: map[string]v1.Hash{}, blobs: map[v1.Hash]bool{}}
		r.repos[name] = repo
	}
	return repo
}

// mount links a blob that another repository brought, as an upload would that finds it there.
func (r *Registry) mount(name string, d v1.Hash, keep bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.blobs[d]
	if !ok || keep && b == nil {
		return false
	}
	r.repo(name).blobs[d] = true
	return true
}

// putBlob takes a blob in if it is what its descriptor says. It keeps the bytes of a config.
func (r *Registry) putBlob(name string, want v1.Descriptor, content io.Reader, keep bool) error {
	if keep && want.Size > maxKept {
		return fmt.Errorf("the config %s has %d bytes, more than the %d that it may have", want.Digest, want.Size, maxKept)
	}
	hash, err := v1.Hasher(want.Digest.Algorithm)
	if err != nil {
		return err
	}
	var kept bytes.Buffer
	to := io.Writer(hash)
	if keep {
		to = io.MultiWriter(hash, &kept)
	}
	n, err := io.Copy(to, io.LimitReader(content, want.Size+1))
	switch {
	case err != nil:
		return err
	case n != want.Size || fmt.Sprintf("%x", hash.Sum(nil)) != want.Digest.Hex:
		return fmt.Errorf("%s came with other content or another size than %d bytes", want.Digest, want.Size)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[want.Digest], r.repo(name).blobs[want.Digest] = kept.Bytes(), true
	r.bytes += n
	return nil
}

// putManifest tags a manifest whose blobs are there.
func (r *Registry) putManifest(name, tag string, m manifest) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	repo := r.repo(name)
	for _, b := range m.blobs() {
		if !repo.blobs[b.Digest] {
			return fmt.Errorf("manifest blob unknown: %s", b.Digest)
		}
	}
	repo.manifests[m.digest], repo.tags[tag] = m, m.digest
	return nil
}

// ServeHTTP answers the requests of a pull: manifests by tag and digest, blobs (a layer has a HEAD only).
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	if path == "" {
		w.WriteHeader(http.StatusOK)
		return
	}
	parts := strings.Split(path, "/")
	if len(parts) < 3 || req.Method != http.MethodGet && req.Method != http.MethodHead {
		http.Error(w, "not served", http.StatusNotFound)
		return
	}
	name, kind, what := strings.Join(parts[:len(parts)-2], "/"), parts[len(parts)-2], parts[len(parts)-1]
	content, mediaType, err := r.find(name, kind, what)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(content))
}

func (r *Registry) find(name, kind, what string) ([]byte, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	repo, ok := r.repos[name]
	if !ok {
		return nil, "", errors.New("name unknown")
	}
	d, err := v1.NewHash(what)
	if tagged, ok := repo.tags[what]; err != nil && ok {
		d = tagged
	}
	if kind == "blobs" && repo.blobs[d] {
		return r.blobs[d], "application/octet-stream", nil
	}
	if m, ok := repo.manifests[d]; kind == "manifests" && ok {
		return m.bytes, string(m.MediaType), nil
	}
	return nil, "", errors.New("unknown")
}
