package layer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
)

// NewStored gives a layer of several files, uncompressed in the same framing as a blob's layer. The entries are sorted.
func NewStored(entries []Entry) (io.ReadCloser, error) {
	t, err := newTar(entries)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{newStoredReader(t, t.size), t}, nil
}

// StoredFacts reads all files once and says what the layer of NewStored is.
func StoredFacts(ctx context.Context, entries []Entry) (Facts, error) {
	t, err := newTar(entries)
	if err != nil {
		return Facts{}, err
	}
	defer t.Close()
	h := newStoredHash(t.size)
	if _, err := io.CopyBuffer(h, cancelled{ctx, t}, make([]byte, storedBlock)); err != nil {
		return Facts{}, err
	}
	return h.facts()
}

// DiffID reads all files once and says what their tar is, however it may be compressed.
func DiffID(ctx context.Context, entries []Entry) (v1.Hash, error) {
	t, err := newTar(entries)
	if err != nil {
		return v1.Hash{}, err
	}
	defer t.Close()
	h := sha256.New()
	_, err = io.CopyBuffer(h, cancelled{ctx, t}, make([]byte, storedBlock))
	return sum(h), err
}

const (
	gzipLevel = 6
	// Compression names what makes the bytes of WriteCompressed besides the files: the library that go.mod pins, and
	// its level. Whoever remembers the facts of such a layer has to remember this with them.
	Compression = "github.com/klauspost/compress v1.20.3 level 6"
)

// WriteCompressed writes a layer of files as gzip that really compresses, and says what it is. The entries are
// sorted. The gzip header carries neither name nor time.
func WriteCompressed(ctx context.Context, w io.Writer, entries []Entry) (Facts, error) {
	t, err := newTar(entries)
	if err != nil {
		return Facts{}, err
	}
	defer t.Close()
	digest, diff := sha256.New(), sha256.New()
	out := &counter{w: io.MultiWriter(w, digest)}
	z, err := gzip.NewWriterLevel(out, gzipLevel)
	if err != nil {
		return Facts{}, fmt.Errorf("compress layer: %w", err)
	}
	// A buffer of one size makes the compressor see the same pieces whatever sizes the files are read in.
	buffered := bufio.NewWriterSize(z, 1<<16)
	if _, err := io.Copy(io.MultiWriter(buffered, diff), cancelled{ctx, t}); err != nil {
		return Facts{}, err
	}
	if err := buffered.Flush(); err != nil {
		return Facts{}, fmt.Errorf("write layer: %w", err)
	}
	if err := z.Close(); err != nil {
		return Facts{}, fmt.Errorf("write layer: %w", err)
	}
	return Facts{Digest: sum(digest), DiffID: sum(diff), Size: out.n}, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// cancelled reads until its context ends.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
