package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// ErrRange means that the registry answered a range with other bytes than it was asked for.
var ErrRange = errors.New("wrong range")

// Body is the content of a blob, or of a part of it, as the registry sends it: not verified. Close gives its turn at
// the registry back.
type Body struct {
	io.ReadCloser
	// Offset is where in the blob the content begins: where it was asked for, or 0 when the registry ignores ranges.
	Offset int64
	// Length is how many bytes there should be from there on.
	Length int64
	// Ranges says that the registry gives parts of blobs.
	Ranges bool
}

// Lease is a turn at a registry: the right to have one blob request under way.
type Lease struct {
	client *Client
	host   *host

	mu    sync.Mutex
	state leaseState
}

type leaseState int

const (
	held leaseState = iota
	sent            // nothing more goes out, and the answer is on its way
	released
)

// Lease waits for a turn. It must be released.
func (c *Client) Lease(ctx context.Context, host string) (*Lease, error) {
	h := c.host(host)
	if err := h.bulk.acquire(ctx); err != nil {
		return nil, err
	}
	return &Lease{client: c, host: h}, nil
}

// Release gives the turn back.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.state {
	case held:
		l.host.bulk.release()
	case sent:
		l.host.bulk.answered()
	}
	l.state = released
}

func (l *Lease) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == held
}

// sent lets another have the turn while the registry is at work on the answer.
func (l *Lease) sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == held {
		l.host.bulk.sent()
		l.state = sent
	}
}

// Blob is [Client.Blob] within the lease.
func (l *Lease) Blob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, offset, length int64) (Body, error) {
	return l.client.blob(ctx, repo, desc, offset, length, true)
}

// Blob opens length bytes of a blob from offset on; length 0 means up to the end. The whole blob is asked for without
// a Range. A registry that ignores the range gives the blob from its beginning, which the Body's Offset tells; one that
// gives other bytes than asked for, or another size than the descriptor's, is an error. Reading is for the caller to
// verify, and to continue with another offset when it breaks.
func (c *Client) Blob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, offset, length int64) (Body, error) {
	return c.blob(ctx, repo, desc, offset, length, false)
}

func (c *Client) blob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, offset, length int64, leased bool) (Body, error) {
	if length <= 0 || length > desc.Size-offset {
		length = desc.Size - offset
	}
	q := &request{
		host: c.host(repo.Host), path: repo.Path, method: http.MethodGet, what: "get blob " + desc.Digest.String(),
		url: "blobs/" + desc.Digest.String(), header: http.Header{}, accept: []int{http.StatusOK}, bulk: true, leased: leased,
	}
	part := length > 0 && length < desc.Size
	if part {
		q.header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
		q.accept = append(q.accept, http.StatusPartialContent)
	}
	resp, err := c.send(ctx, q)
	if err != nil {
		return Body{}, err
	}
	b := Body{ReadCloser: resp, Offset: offset, Length: length}
	if err := b.judge(resp, desc.Size); err != nil {
		resp.Close()
		return Body{}, q.error(err)
	}
	return b, nil
}

// judge compares what the registry announces with what was asked for.
func (b *Body) judge(resp *response, size int64) error {
	announced := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		b.Ranges = true
		var from, to int64
		total := ""
		n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%s", &from, &to, &total)
		if n != 3 || from != b.Offset || to != b.Offset+b.Length-1 || total != "*" && total != fmt.Sprint(size) {
			return fmt.Errorf("%w: asked for bytes %d-%d of %d, got %q", ErrRange, b.Offset, b.Offset+b.Length-1, size, printable(resp.Header.Get("Content-Range")))
		}
	} else {
		b.Offset, b.Length = 0, size
		b.Ranges = strings.EqualFold(resp.Header.Get("Accept-Ranges"), "bytes")
	}
	if announced >= 0 && announced != b.Length {
		return fmt.Errorf("%w: %d bytes announced where %d were expected", ErrCorrupt, announced, b.Length)
	}
	return nil
}

// HasBlob asks whether the repository has the blob.
func (c *Client) HasBlob(ctx context.Context, repo reference.Reference, d v1.Hash) (bool, error) {
	resp, err := c.send(ctx, &request{
		host: c.host(repo.Host), path: repo.Path, method: http.MethodHead, what: "look for blob " + d.String(),
		url: "blobs/" + d.String(), header: http.Header{}, accept: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil {
		return false, err
	}
	defer resp.Close()
	return resp.StatusCode == http.StatusOK, nil
}

// ReadBlob reads a small blob whole, such as a config, and verifies it.
func (c *Client) ReadBlob(ctx context.Context, repo reference.Reference, desc v1.Descriptor, limit int64) ([]byte, error) {
	q := &request{
		host: c.host(repo.Host), path: repo.Path, method: http.MethodGet, what: "get blob " + desc.Digest.String(),
		url: "blobs/" + desc.Digest.String(), header: http.Header{}, accept: []int{http.StatusOK},
	}
	if desc.Size > limit {
		return nil, q.error(fmt.Errorf("%w: %d bytes, at most %d can be", ErrLimit, desc.Size, limit))
	}
	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, q)
		if err != nil {
			return nil, err
		}
		b, err := readExactly(resp, desc)
		if err == nil {
			return b, nil
		}
		if err := c.again(ctx, q, attempt, q.error(err)); err != nil {
			return nil, err
		}
	}
}

func readExactly(resp *response, desc v1.Descriptor) ([]byte, error) {
	defer resp.Close()
	b, err := readLimited(resp, resp.ContentLength, desc.Size)
	if err != nil && !errors.Is(err, ErrLimit) {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	if got := NewManifest("", b).Digest; err != nil || got != desc.Digest {
		return nil, fmt.Errorf("%w: the bytes that the registry sent are %s", ErrCorrupt, got)
	}
	return b, nil
}
