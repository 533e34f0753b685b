package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// ManifestLimit is the size in bytes that no manifest or index may exceed; the distribution specification asks
// registries to take at least as much.
const ManifestLimit = 4 << 20

// accepted are the media types of manifests and indexes. Schema 1 is among them so that an image that has nothing
// else is called by its name and not "not found".
var accepted = []string{
	string(types.OCIImageIndex), string(types.DockerManifestList), string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
	string(types.DockerManifestSchema1Signed), string(types.DockerManifestSchema1),
}

// Manifest is the bytes of a manifest or index with their media type and their digest, computed here.
type Manifest struct {
	MediaType types.MediaType
	Digest    v1.Hash
	Bytes     []byte
}

// NewManifest makes a Manifest of bytes. The media type is what they say themselves, else what the registry said, else
// what they look like.
func NewManifest(mediaType types.MediaType, b []byte) Manifest {
	sum := sha256.Sum256(b)
	return Manifest{MediaType: mediaTypeOf(mediaType, b), Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, Bytes: b}
}

// mediaTypeOf reads the fields that tell kinds of manifests apart.
func mediaTypeOf(claimed types.MediaType, b []byte) types.MediaType {
	var m struct {
		MediaType     types.MediaType   `json:"mediaType"`
		SchemaVersion int               `json:"schemaVersion"`
		Manifests     []json.RawMessage `json:"manifests"`
		Config        json.RawMessage   `json:"config"`
	}
	switch err := json.Unmarshal(b, &m); {
	case err != nil:
		return claimed
	case m.MediaType != "":
		return m.MediaType
	case m.SchemaVersion == 1:
		return types.DockerManifestSchema1
	case claimed.IsIndex(), claimed.IsImage():
		return claimed
	case m.Manifests != nil:
		return types.OCIImageIndex
	case m.Config != nil:
		return types.OCIManifestSchema1
	}
	return claimed
}

// Descriptor is what an index would say of the manifest.
func (m Manifest) Descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}
}

// Manifest gets a manifest or index by tag or digest. Asked by digest, the bytes have it; what the registry says in its
// headers is not believed. A repository or manifest that is not there is ErrNotFound.
func (c *Client) Manifest(ctx context.Context, repo reference.Reference, tagOrDigest string) (Manifest, error) {
	q := c.manifestRequest(repo, tagOrDigest, http.MethodGet)
	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, q)
		if err != nil {
			return Manifest{}, err
		}
		m, err := readManifest(resp, tagOrDigest)
		if err == nil {
			return m, nil
		}
		if err := c.again(ctx, q, attempt, q.error(err)); err != nil {
			return Manifest{}, err
		}
	}
}

func (c *Client) manifestRequest(repo reference.Reference, tagOrDigest, method string) *request {
	return &request{
		host: c.host(repo.Host), path: repo.Path, method: method, what: "get manifest " + tagOrDigest,
		url: "manifests/" + tagOrDigest, header: http.Header{"Accept": {strings.Join(accepted, ", ")}}, accept: []int{http.StatusOK},
	}
}

func readManifest(resp *response, tagOrDigest string) (Manifest, error) {
	defer resp.Close()
	b, err := readLimited(resp, resp.ContentLength, ManifestLimit)
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	claimed, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	m := NewManifest(types.MediaType(strings.TrimSpace(claimed)), b)
	if strings.Contains(tagOrDigest, ":") && m.Digest.String() != tagOrDigest {
		return Manifest{}, fmt.Errorf("%w: the manifest that the registry sent has the digest %s", ErrCorrupt, m.Digest)
	}
	return m, nil
}

// readLimited reads a small body whole.
func readLimited(r io.Reader, announced, limit int64) ([]byte, error) {
	if announced > limit {
		return nil, fmt.Errorf("%w: %d bytes announced, at most %d can be", ErrLimit, announced, limit)
	}
	var b bytes.Buffer
	if announced > 0 {
		b.Grow(int(announced) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	return b.Bytes(), nil
}

// HeadManifest asks whether a manifest is there, and which. A registry that does not say its digest is asked for the
// manifest itself; one that says a wrong digest is believed, so compare what matters with Manifest.
func (c *Client) HeadManifest(ctx context.Context, repo reference.Reference, tagOrDigest string) (v1.Descriptor, error) {
	resp, err := c.send(ctx, c.manifestRequest(repo, tagOrDigest, http.MethodHead))
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer resp.Close()
	claimed, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	d, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest"))
	if err == nil && resp.ContentLength > 0 {
		return v1.Descriptor{MediaType: types.MediaType(claimed), Digest: d, Size: resp.ContentLength}, nil
	}
	m, err := c.Manifest(ctx, repo, tagOrDigest)
	return m.Descriptor(), err
}

// PutManifest stores a manifest or index under a tag or its digest and returns the digest.
func (c *Client) PutManifest(ctx context.Context, repo reference.Reference, tagOrDigest string, mt types.MediaType, b []byte) (v1.Hash, error) {
	q := c.manifestRequest(repo, tagOrDigest, http.MethodPut)
	q.what, q.access = "put manifest "+tagOrDigest, pushAccess
	q.header = http.Header{"Content-Type": {string(mt)}}
	q.accept = []int{http.StatusCreated, http.StatusOK, http.StatusAccepted}
	q.size, q.body = int64(len(b)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	m := NewManifest(mt, b)
	if strings.Contains(tagOrDigest, ":") && m.Digest.String() != tagOrDigest {
		return v1.Hash{}, q.error(fmt.Errorf("%w: the manifest has the digest %s", ErrCorrupt, m.Digest))
	}
	resp, err := c.send(ctx, q)
	if err != nil {
		return v1.Hash{}, err
	}
	defer resp.Close()
	if said := resp.Header.Get("Docker-Content-Digest"); said != "" && said != m.Digest.String() {
		return v1.Hash{}, q.error(fmt.Errorf("%w: the registry stored %s as %s", ErrCorrupt, m.Digest, printable(said)))
	}
	return m.Digest, nil
}

// IsNotFound says whether the error means that the thing asked for is not there.
func IsNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
