package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// chunkSizes are tried in turn when a registry refuses a whole blob in one request: most limits come from a proxy
// before it, and the common ones are 100 MiB, 10 MiB and 1 MiB.
var chunkSizes = []int64{90 << 20, 9 << 20, 900 << 10}

// Mount asks the registry to take the blob over from another of its repositories. False means that it did not, and
// that the blob has to be uploaded.
func (c *Client) Mount(ctx context.Context, repo reference.Reference, d v1.Hash, fromPath string) (bool, error) {
	q := c.uploadRequest(repo, d, "mount blob "+d.String())
	q.from = fromPath
	q.url += "?" + url.Values{"mount": {d.String()}, "from": {fromPath}}.Encode()
	q.accept = []int{http.StatusCreated, http.StatusAccepted}
	resp, err := c.send(ctx, q)
	var e *Error
	if errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests {
		return false, nil // refused or unknown: the upload itself will tell what is wrong
	}
	if err != nil {
		return false, err
	}
	defer resp.Close()
	if resp.StatusCode == http.StatusCreated {
		return true, nil
	}
	c.cancelUpload(ctx, repo, d, resp.Header.Get("Location"))
	return false, nil
}

func (c *Client) uploadRequest(repo reference.Reference, d v1.Hash, what string) *request {
	return &request{
		host: c.host(repo.Host), path: repo.Path, method: http.MethodPost, what: what, access: pushAccess,
		url: "blobs/uploads/", header: http.Header{}, accept: []int{http.StatusAccepted},
		body: func() (io.ReadCloser, error) { return http.NoBody, nil },
	}
}

// cancelUpload gives a session back that is of no use. Registries forget it by themselves later, so failure is none.
func (c *Client) cancelUpload(ctx context.Context, repo reference.Reference, d v1.Hash, location string) {
	if location == "" {
		return
	}
	q := c.uploadRequest(repo, d, "cancel upload of blob "+d.String())
	q.method, q.url, q.body, q.leased = http.MethodDelete, location, nil, true
	if resp, err := c.once(ctx, q); err == nil {
		resp.Close()
	}
}

// upload is one blob on its way out.
type upload struct {
	client   *Client
	repo     reference.Reference
	desc     v1.Descriptor
	open     func() (io.ReadCloser, error)
	progress func(int64)
	sent     int64
	lease    *Lease
}

// PutBlob uploads a blob: in one request, or in chunks where the registry or what stands before it refuses that. A
// broken upload begins again with open. The progress function, which may be nil, is told how many more bytes went out
// and a negative number when some did in vain; after success the sum is the blob's size.
func (c *Client) PutBlob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, open func() (io.ReadCloser, error), progress func(n int64)) error {
	if progress == nil {
		progress = func(int64) {}
	}
	u := &upload{client: c, repo: repo, desc: desc, open: open, progress: progress}
	defer u.release()
	err := u.retried(ctx, u.whole)
	whole := err
	for _, chunk := range chunkSizes {
		if !refusesWhole(err) || chunk >= desc.Size && errors.Is(err, ErrTooLarge) {
			continue
		}
		err = u.retried(ctx, func(ctx context.Context) error { return u.chunked(ctx, chunk) })
	}
	if err == nil {
		return nil
	}
	u.forget()
	if whole != err && refusesChunks(err) {
		return whole // what the registry would need is that it takes the whole
	}
	return err
}

// refusesChunks says whether the registry knows no chunks.
func refusesChunks(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestedRangeNotSatisfiable, http.StatusNotImplemented}, e.Status)
}

// refusesWhole says whether chunks may do what one request did not.
func refusesWhole(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains([]int{http.StatusRequestEntityTooLarge, http.StatusMethodNotAllowed, http.StatusNotImplemented}, e.Status)
}

// errSessionLost happens behind a load balancer whose registries do not share their sessions.
var errSessionLost = errors.New("the upload session was lost")

// retried runs one way of uploading until it is done or fails for good. Each try is a new session.
func (u *upload) retried(ctx context.Context, way func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		u.forget()
		err := way(ctx)
		if err == nil {
			return nil
		}
		u.release()
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound && attempt == 1 && strings.HasPrefix(e.What, "upload") {
			e.Status, e.Err = 0, errSessionLost
		}
		if err := u.client.again(ctx, u.request(), attempt, err); err != nil {
			return err
		}
	}
}

// turn sees to it that the upload may send.
func (u *upload) turn(ctx context.Context) (err error) {
	if u.lease != nil && u.lease.held() {
		return nil
	}
	u.release()
	u.lease, err = u.client.Lease(ctx, u.repo.Host)
	return err
}

func (u *upload) release() {
	if u.lease != nil {
		u.lease.Release()
		u.lease = nil
	}
}

// forget takes the bytes of a failed try back from the progress.
func (u *upload) forget() {
	if u.sent != 0 {
		u.progress(-u.sent)
		u.sent = 0
	}
}

func (u *upload) request() *request {
	q := u.client.uploadRequest(u.repo, u.desc.Digest, "upload blob "+u.desc.Digest.String())
	q.bulk, q.leased = true, true
	return q
}

// begin opens a session and returns its location.
func (u *upload) begin(ctx context.Context) (string, *response, error) {
	q := u.request()
	q.what, q.bulk, q.leased = "begin "+q.what, false, false
	resp, err := u.client.send(ctx, q)
	if err != nil {
		return "", nil, err
	}
	defer resp.Close()
	location, err := u.location(resp, q)
	return location, resp, err
}

// location is where the session goes on. It may be relative to what was asked, and on another host, which then gets no
// credentials.
func (u *upload) location(resp *response, q *request) (string, error) {
	at := resp.Header.Get("Location")
	if at == "" {
		return "", q.error(errors.New("the registry opened an upload without saying where"))
	}
	to, err := resp.Request.URL.Parse(at)
	if err != nil {
		return "", q.error(fmt.Errorf("%w: upload location %q", ErrUnsafe, printable(at)))
	}
	if to.Host == q.host.address && to.Scheme == "http" && q.host.getScheme() == "https" {
		to.Scheme = "https" // a registry behind a proxy that ends TLS and does not know it
	}
	return to.String(), mayFollowUpload(resp.Request.URL, to, q)
}

func mayFollowUpload(from, to *url.URL, q *request) error {
	if err := mayFollow(from, to, q.host.private.Load()); err != nil {
		return q.error(err)
	}
	return nil
}

// whole sends the blob in one request.
func (u *upload) whole(ctx context.Context) error {
	location, _, err := u.begin(ctx)
	if err != nil {
		return err
	}
	if err := u.turn(ctx); err != nil {
		return err
	}
	q := u.request()
	q.method, q.url, q.size = http.MethodPut, u.closing(location), u.desc.Size
	q.header.Set("Content-Type", "application/octet-stream")
	q.accept = []int{http.StatusCreated, http.StatusNoContent}
	q.body = func() (io.ReadCloser, error) {
		u.forget()
		r, err := u.open()
		return &counted{ReadCloser: r, upload: u, lease: u.lease, left: u.desc.Size}, err
	}
	resp, err := u.client.once(ctx, q)
	if err != nil {
		return err
	}
	return resp.Close()
}

// closing is the location with the digest, which ends the session.
func (u *upload) closing(location string) string {
	to, err := url.Parse(location)
	if err != nil {
		return location
	}
	query := to.Query()
	query.Set("digest", u.desc.Digest.String())
	to.RawQuery = query.Encode()
	return to.String()
}

// chunked sends the blob in chunks of the size, or of what the registry asks for at least.
func (u *upload) chunked(ctx context.Context, size int64) error {
	location, resp, err := u.begin(ctx)
	if err != nil {
		return err
	}
	if least, err := strconv.ParseInt(resp.Header.Get("OCI-Chunk-Min-Length"), 10, 64); err == nil && least > size && least <= u.desc.Size {
		size = least
	}
	r, err := u.open()
	if err != nil {
		return &fatal{err}
	}
	defer r.Close()
	for at := int64(0); at < u.desc.Size; {
		n := min(size, u.desc.Size-at)
		if location, err = u.chunk(ctx, location, r, at, n); err != nil {
			return err
		}
		at += n
	}
	q := u.request()
	q.method, q.url, q.accept = http.MethodPut, u.closing(location), []int{http.StatusCreated, http.StatusNoContent}
	if resp, err = u.client.once(ctx, q); err != nil {
		return err
	}
	return resp.Close()
}

// chunk sends the next n bytes of r. It is tried once: what was read of r is gone.
func (u *upload) chunk(ctx context.Context, location string, r io.Reader, at, n int64) (string, error) {
	if err := u.turn(ctx); err != nil {
		return "", err
	}
	q := u.request()
	q.method, q.url, q.size = http.MethodPatch, location, n
	q.header.Set("Content-Type", "application/octet-stream")
	q.header.Set("Content-Range", fmt.Sprintf("%d-%d", at, at+n-1))
	q.body = func() (io.ReadCloser, error) {
		return &counted{ReadCloser: io.NopCloser(io.LimitReader(r, n)), upload: u, lease: u.lease, left: n}, nil
	}
	resp, err := u.client.once(ctx, q)
	if err != nil {
		return "", err
	}
	defer resp.Close()
	return u.location(resp, q)
}

// counted tells how much of a body went out, and gives the turn to another when all of it did.
type counted struct {
	io.ReadCloser
	upload *upload
	lease  *Lease
	left   int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	return n, c.count(int64(n), err)
}

// Section is Read for content that has sections.
func (c *counted) Section() (b []byte, f *os.File, n int64, err error) {
	b, f, n, err = c.ReadCloser.(sectioned).Section()
	return b, f, n, c.count(n, err)
}

func (c *counted) count(n int64, err error) error {
	c.upload.sent += n
	c.upload.progress(n)
	c.lease.host.bulk.moved(n)
	if c.left -= n; c.left <= 0 {
		c.lease.sent()
	}
	if err != nil && err != io.EOF {
		err = &fatal{err}
	}
	return err
}
