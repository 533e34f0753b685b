package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// manifestLimit bounds a manifest, in bytes.
const manifestLimit = 4 << 20

// remote is a registry on this machine, asked by the simplest means.
type remote struct {
	host   string
	client *http.Client
}

func newRemote(host string) *remote {
	return &remote{host, &http.Client{Transport: &http.Transport{DisableCompression: true}}}
}

func (r *remote) close() { r.client.CloseIdleConnections() }

func (r *remote) url(repository, rest string) string {
	return fmt.Sprintf("http://%s/v2/%s/%s", r.host, repository, rest)
}

// do sends a request and wants one of the given answers.
func (r *remote) do(ctx context.Context, method, to, contentType string, body io.Reader, want ...int) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method == http.MethodGet {
		req.Header.Set("Accept", strings.Join([]string{string(types.OCIImageIndex), string(types.OCIManifestSchema1), string(types.DockerManifestList), string(types.DockerManifestSchema2)}, ", "))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	for _, status := range want {
		if resp.StatusCode == status {
			return resp, nil
		}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
	resp.Body.Close()
	return nil, fmt.Errorf("%s %s: %s: %s", method, to, resp.Status, bytes.TrimSpace(text))
}

// location is where an upload goes on.
func (r *remote) location(resp *http.Response) (*url.URL, error) {
	resp.Body.Close()
	return resp.Request.URL.Parse(resp.Header.Get("Location"))
}

// putBlob uploads what write writes.
func (r *remote) putBlob(ctx context.Context, repository string, t types.MediaType, write func(io.Writer) error) (v1.Descriptor, error) {
	resp, err := r.do(ctx, http.MethodPost, r.url(repository, "blobs/uploads/"), "", nil, http.StatusAccepted)
	if err != nil {
		return v1.Descriptor{}, err
	}
	to, err := r.location(resp)
	if err != nil {
		return v1.Descriptor{}, err
	}
	sum := sha256.New()
	size := &counter{}
	from, into := io.Pipe()
	go func() { into.CloseWithError(write(io.MultiWriter(into, sum, size))) }()
	resp, err = r.do(ctx, http.MethodPatch, to.String(), "application/octet-stream", from, http.StatusAccepted)
	from.CloseWithError(errors.New("upload ended"))
	if err != nil {
		return v1.Descriptor{}, err
	}
	if to, err = r.location(resp); err != nil {
		return v1.Descriptor{}, err
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sum.Sum(nil))}
	query := to.Query()
	query.Set("digest", digest.String())
	to.RawQuery = query.Encode()
	if resp, err = r.do(ctx, http.MethodPut, to.String(), "", nil, http.StatusCreated); err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: t, Digest: digest, Size: size.n}, resp.Body.Close()
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// mount makes a blob of another repository known to this one. False means that it has to be uploaded.
func (r *remote) mount(ctx context.Context, repository, from string, d v1.Hash) bool {
	query := url.Values{"mount": {d.String()}, "from": {from}}
	resp, err := r.do(ctx, http.MethodPost, r.url(repository, "blobs/uploads/?"+query.Encode()), "", nil, http.StatusCreated)
	return err == nil && resp.Body.Close() == nil
}

// putManifest uploads a manifest under a tag; with an empty one, under its digest.
func (r *remote) putManifest(ctx context.Context, repository, tag string, t types.MediaType, b []byte) (v1.Descriptor, error) {
	digest := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(b))}
	if tag == "" {
		tag = digest.String()
	}
	resp, err := r.do(ctx, http.MethodPut, r.url(repository, "manifests/"+tag), string(t), bytes.NewReader(b), http.StatusCreated)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: t, Digest: digest, Size: int64(len(b))}, resp.Body.Close()
}

// manifest reads a manifest by tag or digest.
func (r *remote) manifest(ctx context.Context, repository, which string) ([]byte, error) {
	resp, err := r.do(ctx, http.MethodGet, r.url(repository, "manifests/"+which), "", nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, manifestLimit))
}

// blob opens a blob.
func (r *remote) blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	resp, err := r.do(ctx, http.MethodGet, r.url(repository, "blobs/"+digest), "", nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}
