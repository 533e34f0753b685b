package registrydir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Handler serves the directory as a registry that can only be read, below /v2/, after the OCI distribution specification: catalog and tags with
// pagination, manifests by tag and by digest, blobs and ranges of them. For a directory on a disk: [Read] it first.
func Handler(d *Dir) http.Handler {
	return handler{d}
}

type handler struct{ dir *Dir }

// problem is an answer of the specification's error codes.
type problem struct {
	status  int
	code    string
	message string
}

func (p problem) write(w http.ResponseWriter) {
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string][]item{"errors": {{p.code, p.message}}})
}

// ServeHTTP implements [http.Handler].
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if p, ok := h.serve(w, r); !ok {
		p.write(w)
	}
}

func (h handler) serve(w http.ResponseWriter, r *http.Request) (problem, bool) {
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	switch {
	case !ok && r.URL.Path != "/v2":
		return problem{http.StatusNotFound, "NAME_UNKNOWN", "a registry answers below /v2/"}, false
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		return problem{http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry can only be read"}, false
	case path == "" || !ok:
		return writeJSON(w, struct{}{})
	case path == "_catalog":
		return h.catalog(w, r)
	}
	return h.repository(w, r, path)
}

// repository takes NAME/tags/list, NAME/manifests/REFERENCE and NAME/blobs/DIGEST apart, from the end, since a name has slashes.
func (h handler) repository(w http.ResponseWriter, r *http.Request, path string) (problem, bool) {
	rest, last := cutLast(path)
	name, kind := cutLast(rest)
	if checkName(name) != nil {
		return problem{http.StatusNotFound, "NAME_INVALID", "invalid repository name"}, false
	}
	switch {
	case kind == "tags" && last == "list":
		return h.tags(w, r, name)
	case kind == "manifests":
		return h.manifest(w, r, name, last)
	case kind == "blobs":
		return h.blob(w, r, name, last)
	}
	return problem{http.StatusNotFound, "UNSUPPORTED", "no such resource"}, false
}

func cutLast(path string) (before, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

func writeJSON(w http.ResponseWriter, v any) (problem, bool) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
	return problem{}, true
}

// resolve is the manifest that a tag or a digest means.
func (h handler) resolve(name, ref string) (v1.Hash, problem, bool) {
	repo, ok := h.dir.repos[name]
	if !ok {
		return v1.Hash{}, problem{http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown"}, false
	}
	if !strings.Contains(ref, ":") {
		if t, ok := repo.tags[ref]; ok {
			return t.current, problem{}, true
		}
		return v1.Hash{}, problem{http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown"}, false
	}
	digest, err := v1.NewHash(ref)
	switch {
	case err != nil:
		return digest, problem{http.StatusBadRequest, "DIGEST_INVALID", err.Error()}, false
	case !repo.revisions.has(digest):
		return digest, problem{http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown"}, false
	}
	return digest, problem{}, true
}

func (h handler) manifest(w http.ResponseWriter, r *http.Request, name, ref string) (problem, bool) {
	digest, p, ok := h.resolve(name, ref)
	if !ok {
		return p, false
	}
	m, b, err := h.dir.manifest(digest)
	if err != nil {
		return unreadable(err), false
	}
	serveContent(w, r, digest, string(m.MediaType), bytes.NewReader(b))
	return problem{}, true
}

// unreadable tells the client that the directory is broken, without the paths of this machine.
func unreadable(err error) problem {
	if errors.Is(err, fs.ErrNotExist) {
		return problem{http.StatusNotFound, "BLOB_UNKNOWN", "the registry directory lacks this content"}
	}
	return problem{http.StatusInternalServerError, "UNKNOWN", "the registry directory's content cannot be read"}
}

func (h handler) blob(w http.ResponseWriter, r *http.Request, name, ref string) (problem, bool) {
	digest, err := v1.NewHash(ref)
	if err != nil {
		return problem{http.StatusBadRequest, "DIGEST_INVALID", err.Error()}, false
	}
	repo, ok := h.dir.repos[name]
	if !ok || !repo.layers.has(digest) {
		return problem{http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry"}, false
	}
	b, ok := h.dir.blobs[digest]
	if !ok {
		return problem{http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry"}, false
	}
	content, err := b.from.Open(digest)
	if err != nil {
		return unreadable(err), false
	}
	s := &seeker{open: func() (io.ReadCloser, error) { return b.from.Open(digest) }, r: content, size: b.size}
	defer s.Close()
	serveContent(w, r, digest, "application/octet-stream", s)
	return problem{}, true
}

// serveContent answers GET, HEAD, ranges and conditions for content that never changes.
func serveContent(w http.ResponseWriter, r *http.Request, digest v1.Hash, mediaType string, content io.ReadSeeker) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest.String())
	w.Header().Set("Etag", `"`+digest.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, content)
}
