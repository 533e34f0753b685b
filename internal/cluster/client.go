package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// errNotFound is a registry's 404.
var errNotFound = errors.New("not found")

// Client asks a registry on a private network for what a pull asks. It sends no credentials and follows no proxy.
type Client struct {
	base string
	http *http.Client
}

// NewClient makes a client of the registry at the address host:port, in plain HTTP.
func NewClient(address string) *Client {
	return &Client{base: "http://" + address + "/v2/", http: &http.Client{Transport: &http.Transport{}}}
}

// Close gives the connections up.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Serve answers on a free loopback port until stop is called.
func Serve(h http.Handler) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve a registry: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	return l.Addr().String(), func() { _ = server.Close() }, nil
}

func (c *Client) do(ctx context.Context, method, path, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp, nil
	case http.StatusNotFound:
		err = fmt.Errorf("%s: %w", path, errNotFound)
	default:
		err = fmt.Errorf("%s: HTTP %s", path, resp.Status)
	}
	return nil, errors.Join(err, resp.Body.Close())
}

// get reads an answer of at most limit bytes.
func (c *Client) get(ctx context.Context, path, accept string, limit int64) ([]byte, http.Header, error) {
	resp, err := c.do(ctx, http.MethodGet, path, accept)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", path, limit)
	}
	return b, resp.Header, err
}

func (c *Client) getJSON(ctx context.Context, path string, to any) error {
	b, _, err := c.get(ctx, path, "application/json", 64<<20)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

var acceptManifest = strings.Join([]string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex), string(types.DockerManifestSchema2), string(types.DockerManifestList),
}, ", ")

// manifest asks for a tag or a digest. The answer to a digest is compared with it.
func (c *Client) manifest(ctx context.Context, name, what string) (manifest, error) {
	b, header, err := c.get(ctx, name+"/manifests/"+what, acceptManifest, maxManifest)
	if err != nil {
		return manifest{}, err
	}
	m, err := parseManifest(header.Get("Content-Type"), b)
	if err != nil {
		return manifest{}, err
	}
	if want, err := v1.NewHash(what); err == nil && want.Algorithm == m.digest.Algorithm && want != m.digest {
		return manifest{}, fmt.Errorf("%s: the answer is %s", what, m.digest)
	}
	return m, nil
}

// image is the manifest that a node of the platform uses of what a tag or a digest means: of an index its entry for the platform.
func (c *Client) image(ctx context.Context, name, what string, platform v1.Platform) (manifest, error) {
	m, err := c.manifest(ctx, name, what)
	if err != nil || !m.MediaType.IsIndex() {
		return m, err
	}
	for _, d := range m.Manifests {
		if d.Platform != nil && serves(*d.Platform, platform) {
			return c.manifest(ctx, name, d.Digest.String())
		}
	}
	return manifest{}, fmt.Errorf("%s: an index without %s", what, platform)
}

func serves(p, wanted v1.Platform) bool {
	return p.OS == wanted.OS && p.Architecture == wanted.Architecture && (p.Variant == "" || wanted.Variant == "" || p.Variant == wanted.Variant)
}
