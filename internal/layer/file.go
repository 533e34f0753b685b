package layer

import (
	"fmt"
	"io"
	"math"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// FileReader gives the layer of a blob that lies in a file, whose checksum is known. It reads nothing but what it gives out,
// and tells where that lies, so that the blob can go from the file to a connection past the program.
type FileReader struct {
	file     *os.File
	tar      blobTar
	end      int64 // of the blob within the tar
	checksum uint32

	at, block int64 // in the tar, and what is left of the deflate block
	frame     []byte
	buffer    [blockHeader + gzipTrailer]byte
	ended     bool
}

// NewFileReader gives the layer of the blob of size bytes in the file, which the reader closes, beginning where the file
// stands. The checksum is that of the layer's facts.
func NewFileReader(blob v1.Hash, size int64, file *os.File, checksum uint32) (*FileReader, error) {
	t, err := newBlobTar(blob, size)
	if err != nil {
		return nil, err
	}
	if fi, err := file.Stat(); err != nil || fi.Size() != size {
		return nil, fmt.Errorf("read %s: %w: %d bytes", BlobPath(blob), ErrLength, size)
	}
	return &FileReader{file: file, tar: t, end: t.size - t.tail, checksum: checksum, frame: []byte(gzipHeader)}, nil
}

// Section gives what comes next: bytes, or, where there are none, the next n bytes of the file from where it stands. The
// bytes are good until the next call, and all of it counts as read.
func (r *FileReader) Section() (b []byte, f *os.File, n int64, err error) {
	b, n, err = r.next(math.MaxInt64)
	return b, r.file, n, err
}

// Read gives the next bytes.
func (r *FileReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, n, err := r.next(int64(len(p)))
	if err != nil || len(b) > 0 {
		return copy(p, b), err
	}
	got, err := io.ReadFull(r.file, p[:n])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("read %s: %w: %d of %d bytes", r.file.Name(), ErrLength, got, n)
	}
	return got, err
}

// Close closes the file.
func (r *FileReader) Close() error { return r.file.Close() }

// next gives at most limit bytes of what is not in the file, or says how many of the file's come.
func (r *FileReader) next(limit int64) ([]byte, int64, error) {
	for {
		switch {
		case len(r.frame) > 0:
			b := r.frame[:min(limit, int64(len(r.frame)))]
			r.frame = r.frame[len(b):]
			return b, int64(len(b)), nil
		case r.block > 0:
			b, n := r.content(min(limit, r.block))
			r.at += n
			r.block -= n
			return b, n, nil
		case r.at < r.tar.size:
			head, n := blockHead(r.at, r.tar.size)
			r.frame, r.block = append(r.buffer[:0], head[:]...), n
		case !r.ended:
			t := trailer(r.checksum, r.tar.size)
			r.frame, r.ended = append(r.buffer[:0], t[:]...), true
		default:
			return nil, 0, io.EOF
		}
	}
}

// content is what comes next of the tar.
func (r *FileReader) content(limit int64) ([]byte, int64) {
	var b []byte
	switch {
	case r.at < int64(len(r.tar.head)):
		b = r.tar.head[r.at:]
	case r.at < r.end:
		return nil, min(limit, r.end-r.at)
	default:
		b = zeros[:]
	}
	b = b[:min(limit, int64(len(b)))]
	return b, int64(len(b))
}
