package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	storedBlock   = 65535 // largest stored block of deflate
	blockHeader   = 5
	gzipTrailer   = 8
	gzipHeader    = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" // no name, no time, unknown system
	finalBlock    = 1
	notFinalBlock = 0
)

// storedSize is the length of n bytes as gzip with stored blocks.
func storedSize(n int64) int64 {
	blocks := (n + storedBlock - 1) / storedBlock
	return int64(len(gzipHeader)) + blocks*blockHeader + n + gzipTrailer
}

// blockHead makes the header of the stored block that begins at offset at of a content of total bytes.
func blockHead(at, total int64) ([blockHeader]byte, int64) {
	n := min(total-at, storedBlock)
	var h [blockHeader]byte
	h[0] = notFinalBlock
	if at+n == total {
		h[0] = finalBlock
	}
	binary.LittleEndian.PutUint16(h[1:], uint16(n))
	binary.LittleEndian.PutUint16(h[3:], ^uint16(n))
	return h, n
}

// trailer is checksum and length of the content, the length modulo 2^32.
func trailer(crc uint32, total int64) [gzipTrailer]byte {
	var t [gzipTrailer]byte
	binary.LittleEndian.PutUint32(t[:], crc)
	binary.LittleEndian.PutUint32(t[4:], uint32(total))
	return t
}

// storedHash is fed with a tar and hashes both the tar and its gzip form, without making the latter.
type storedHash struct {
	total, at int64
	crc       uint32
	gz, tar   hash.Hash
	both      io.Writer
}

func newStoredHash(total int64) *storedHash {
	h := &storedHash{total: total, gz: sha256.New(), tar: sha256.New()}
	h.both = io.MultiWriter(h.tar, h.gz)
	io.WriteString(h.gz, gzipHeader)
	return h
}

// Write takes the next bytes of the tar.
func (h *storedHash) Write(p []byte) (int, error) { return h.write(p, h.both) }

// write takes the next bytes of the tar and gives them to all, which are both hashes and whoever else wants them.
func (h *storedHash) write(p []byte, all io.Writer) (int, error) {
	if int64(len(p)) > h.total-h.at {
		return 0, fmt.Errorf("hash layer: %w: more than %d bytes", ErrLength, h.total)
	}
	h.crc = crc32.Update(h.crc, crc32.IEEETable, p)
	for rest := p; len(rest) > 0; {
		in := h.at % storedBlock
		if in == 0 {
			head, _ := blockHead(h.at, h.total)
			h.gz.Write(head[:])
		}
		n := min(int64(len(rest)), storedBlock-in)
		all.Write(rest[:n])
		h.at += n
		rest = rest[n:]
	}
	return len(p), nil
}

func (h *storedHash) facts() (Facts, error) {
	if h.at != h.total {
		return Facts{}, fmt.Errorf("hash layer: %w: %d of %d bytes", ErrLength, h.at, h.total)
	}
	t := trailer(h.crc, h.total)
	h.gz.Write(t[:])
	return Facts{Digest: sum(h.gz), DiffID: sum(h.tar), Size: storedSize(h.total), Checksum: h.crc}, nil
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// storedReader gives a content of known length as gzip with stored blocks.
type storedReader struct {
	src       io.Reader
	total, at int64
	block     int64 // bytes left in the block
	crc       uint32
	head      []byte // framing that is left to give out
	ended     bool
}

func newStoredReader(src io.Reader, total int64) *storedReader {
	return &storedReader{src: src, total: total, head: []byte(gzipHeader)}
}

// Read fills p as far as the content goes.
func (r *storedReader) Read(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := r.step(p[done:])
		done += n
		if err != nil {
			if done > 0 && err == io.EOF {
				return done, nil
			}
			return done, err
		}
	}
	return done, nil
}

// step gives out framing or content, whichever is next.
func (r *storedReader) step(p []byte) (int, error) {
	switch {
	case len(r.head) > 0:
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	case r.block > 0:
		return r.content(p)
	case r.at < r.total:
		head, n := blockHead(r.at, r.total)
		r.head, r.block = head[:], n
		return 0, nil
	case r.ended:
		return 0, io.EOF
	}
	if err := ended(r.src, "layer", r.total); err != nil {
		return 0, err
	}
	t := trailer(r.crc, r.total)
	r.head, r.ended = t[:], true
	return 0, nil
}

func (r *storedReader) content(p []byte) (int, error) {
	n, err := r.src.Read(p[:min(int64(len(p)), r.block)])
	r.crc = crc32.Update(r.crc, crc32.IEEETable, p[:n])
	r.at += int64(n)
	r.block -= int64(n)
	if err == io.EOF && r.at < r.total {
		return n, fmt.Errorf("read layer: %w: %d of %d bytes", ErrLength, r.at, r.total)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}
