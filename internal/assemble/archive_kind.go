package assemble

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"io"

	"github.com/klauspost/compress/zstd"
)

// isArchive says whether ADD of other builders would unpack a file: a tar, plain or compressed. An xz file counts as
// one, since nothing here looks into it.
func isArchive(r io.Reader) bool {
	b := bufio.NewReader(io.LimitReader(r, 1<<20))
	head, _ := b.Peek(6)
	var inner io.Reader = b
	switch {
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return true
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(b)
		if err != nil {
			return false
		}
		inner = z
	case bytes.HasPrefix(head, []byte("BZh")):
		inner = bzip2.NewReader(b)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(b, zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return false
		}
		defer z.Close()
		inner = z
	}
	_, err := tar.NewReader(inner).Next()
	return err == nil
}
