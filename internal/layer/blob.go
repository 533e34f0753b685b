package layer

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/sha256x3"
)

// blobTar is the one-file tar around a blob: what comes before and after its bytes, and its length in all.
type blobTar struct {
	head []byte
	tail int64
	size int64
}

func newBlobTar(blob v1.Hash, size int64) (blobTar, error) {
	if _, err := v1.NewHash(blob.String()); err != nil {
		return blobTar{}, fmt.Errorf("make layer: digest %q: %w", blob, err)
	}
	head, err := Entry{Path: BlobPath(blob), Mode: 0o644, Size: size}.header()
	if err != nil {
		return blobTar{}, err
	}
	tail := padding(size) + 2*tarBlock
	return blobTar{head: head, tail: tail, size: int64(len(head)) + size + tail}, nil
}

// Hasher finds out the facts of a blob's layer while the blob's bytes pass by, in order, through Write. Its state can
// be saved and restored with MarshalBinary and UnmarshalBinary, so that an interrupted blob goes on where it stopped.
type Hasher struct {
	blob  v1.Hash
	size  int64
	tar   blobTar
	hash  *storedHash
	all   io.Writer // where the blob's bytes go
	err   error
	facts *Facts
}

// NewHasher begins the layer of a blob of size bytes. A digest or size that cannot be is reported by Write and Facts.
func NewHasher(blob v1.Hash, size int64) *Hasher {
	h := &Hasher{blob: blob, size: size}
	if h.tar, h.err = newBlobTar(blob, size); h.err != nil {
		return h
	}
	h.hash = newStoredHash(h.tar.size)
	h.all = h.hash.both
	_, h.err = h.hash.Write(h.tar.head)
	return h
}

// Along makes Write hash the blob itself, too, into a sum of crypto/sha256 that has had as much of it as the Hasher: all
// at once takes less time than the layer and then the blob.
func (h *Hasher) Along(blob hash.Hash) {
	if h.hash != nil {
		h.all = sha256x3.New(blob, h.hash.tar, h.hash.gz)
	}
}

// Fed is the number of the blob's bytes taken so far: where a restored Hasher goes on.
func (h *Hasher) Fed() int64 {
	if h.hash == nil {
		return 0
	}
	return min(h.hash.at-int64(len(h.tar.head)), h.size)
}

// Write takes the next bytes of the blob. More than its size is ErrLength.
func (h *Hasher) Write(p []byte) (int, error) {
	if h.err != nil {
		return 0, h.err
	}
	if int64(len(p)) > h.size-h.Fed() {
		return 0, fmt.Errorf("hash layer of %s: %w: more than %d bytes", h.blob, ErrLength, h.size)
	}
	return h.hash.write(p, h.all)
}

// Facts ends the layer. Fewer bytes than announced are ErrLength, and more may still be written after that.
func (h *Hasher) Facts() (Facts, error) {
	if h.err != nil {
		return Facts{}, h.err
	}
	if h.facts != nil {
		return *h.facts, nil
	}
	if h.Fed() != h.size {
		return Facts{}, fmt.Errorf("hash layer of %s: %w: %d of %d bytes", h.blob, ErrLength, h.Fed(), h.size)
	}
	h.hash.Write(zeros[:padding(h.size)])
	h.hash.Write(zeros[:])
	f, err := h.hash.facts()
	if err != nil {
		return Facts{}, err
	}
	h.facts = &f
	return f, nil
}

// stateMagic begins a saved state; another number means another format.
const stateMagic = "layer1\n"

// errState says that a saved state is not one of this version of the program.
var errState = errors.New("saved hash state is not usable")

// MarshalBinary saves the state. After Facts there is none left to save.
func (h *Hasher) MarshalBinary() ([]byte, error) {
	if h.err != nil {
		return nil, h.err
	}
	if h.facts != nil {
		return nil, errors.New("save hash state: the layer has ended")
	}
	b := append([]byte(stateMagic), h.blob.Hex...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.size))
	b = binary.BigEndian.AppendUint64(b, uint64(h.hash.at))
	b = binary.BigEndian.AppendUint32(b, h.hash.crc)
	for _, part := range []any{h.hash.gz, h.hash.tar} {
		s, err := part.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("save hash state: %w", err)
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	return b, nil
}

// UnmarshalBinary goes on from a saved state. A state that cannot be used leaves the Hasher as it was.
func (h *Hasher) UnmarshalBinary(b []byte) error {
	const fixed = len(stateMagic) + 2*sha256.Size + 20
	if len(b) < fixed || string(b[:len(stateMagic)]) != stateMagic {
		return errState
	}
	b = b[len(stateMagic):]
	blob := v1.Hash{Algorithm: "sha256", Hex: string(b[:2*sha256.Size])}
	b = b[2*sha256.Size:]
	n := NewHasher(blob, int64(binary.BigEndian.Uint64(b)))
	if n.err != nil {
		return fmt.Errorf("%w: %w", errState, n.err)
	}
	n.hash.at = int64(binary.BigEndian.Uint64(b[8:]))
	n.hash.crc = binary.BigEndian.Uint32(b[16:])
	if n.hash.at < int64(len(n.tar.head)) || n.hash.at > int64(len(n.tar.head))+n.size {
		return errState
	}
	if err := restore(b[20:], n.hash.gz, n.hash.tar); err != nil {
		return err
	}
	*h = *n
	return nil
}

// restore reads the length-prefixed states of the hashes.
func restore(b []byte, into ...any) error {
	for _, part := range into {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return errState
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		if err := part.(encoding.BinaryUnmarshaler).UnmarshalBinary(b[2:end]); err != nil {
			return fmt.Errorf("%w: %w", errState, err)
		}
		b = b[end:]
	}
	if len(b) > 0 {
		return errState
	}
	return nil
}

// NewReader gives the layer of a blob, made from the blob's content while it is read. The content is read to its end,
// so that a source that hashes what it gives has its say before the layer is complete. Wrong lengths are ErrLength.
func NewReader(blob v1.Hash, size int64, content io.Reader) io.Reader {
	t, err := newBlobTar(blob, size)
	if err != nil {
		return failing{err}
	}
	one := &tarStream{entries: []Entry{{
		Path: BlobPath(blob), Mode: 0o644, Size: size,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(content), nil },
	}}, size: t.size}
	return newStoredReader(one, t.size)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Size is the length of the layer of a blob of size bytes, known before any of them is.
func Size(blob v1.Hash, size int64) (int64, error) {
	t, err := newBlobTar(blob, size)
	return storedSize(t.size), err
}
