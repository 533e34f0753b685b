package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
)

// allocateFrom is the size from which on the room for a blob is reserved before its first byte, so that a full disk is
// noticed then.
const allocateFrom = 1 << 20

// Ingest is a blob on its way in: written in order with Write, or anywhere and by many with WriteAt. Its bytes are
// hashed in order as soon as they are contiguous, straight from the writer's buffer where that can be, else from the
// page cache. Whoever writes while nobody hashes does the hashing; there is no goroutine behind it and no buffer
// beyond the writer's and one for catching up.
type Ingest struct {
	store *Store
	desc  v1.Descriptor
	file  *os.File

	mu       sync.Mutex
	have     spans
	offset   int64
	unsaved  int64
	hashing  bool
	anywhere bool
	bare     bool
	stated   bool // there may be a state file
	err      error

	// sum and facts belong to the one who set hashing.
	sum   hash.Hash
	facts *layer.Hasher
}

// Ingest begins or continues to take in the blob that the descriptor names by digest and size. What an earlier run
// left is kept: see [Ingest.Missing]. ErrExists says that there is nothing to do, ErrBusy that somebody else does it.
func (s *Store) Ingest(desc v1.Descriptor) (*Ingest, error) {
	if err := check(desc.Digest); err != nil {
		return nil, err
	}
	if desc.Size < 0 {
		return nil, fmt.Errorf("take in blob %s: size %d cannot be", desc.Digest, desc.Size)
	}
	if _, ok := s.Has(desc.Digest); ok {
		return nil, fmt.Errorf("take in blob %s: %w", desc.Digest, ErrExists)
	}
	f, err := s.lockPart(desc.Digest)
	if err != nil {
		return nil, fmt.Errorf("take in blob %s: %w", desc.Digest, spaceError(err, s.dir, desc.Size))
	}
	i := &Ingest{store: s, desc: desc, file: f}
	if err := i.begin(); err != nil {
		f.Close()
		return nil, fmt.Errorf("take in blob %s: %w", desc.Digest, err)
	}
	return i, nil
}

func (i *Ingest) begin() error {
	i.reset()
	if err := i.resume(); err != nil {
		return err
	}
	if i.desc.Size < allocateFrom {
		return nil
	}
	if err := allocate(i.file, i.desc.Size); err != nil {
		return spaceError(err, i.store.dir, i.desc.Size-i.have.bytes())
	}
	return nil
}

// reset forgets all bytes.
func (i *Ingest) reset() {
	i.have, i.offset, i.unsaved, i.anywhere = nil, 0, 0, false
	i.sum, i.facts = sha256.New(), nil
	if i.desc.Size >= layer.MinBlob && !i.bare {
		i.facts = layer.NewHasher(i.desc.Digest, i.desc.Size)
		i.facts.Along(i.sum)
	}
}

// SkipLayer leaves the facts of the blob's layer out, which take as much hashing as the blob itself or more; whoever asks for
// them later has them worked out then. It must come before the first Write.
func (i *Ingest) SkipLayer() { i.bare, i.facts = true, nil }

// Descriptor is what is taken in.
func (i *Ingest) Descriptor() v1.Descriptor { return i.desc }

// Missing is what is still to be written, in order.
func (i *Ingest) Missing() []Span {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.have.missing(i.desc.Size)
}

// Have is the number of bytes that are there.
func (i *Ingest) Have() int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.have.bytes()
}

// Write appends at the end of what is contiguous from the beginning on.
func (i *Ingest) Write(p []byte) (int, error) {
	i.mu.Lock()
	at := i.have.end(0)
	i.mu.Unlock()
	return i.WriteAt(p, at)
}

// WriteAt writes bytes at their place. No two calls may write the same place at once.
func (i *Ingest) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > i.desc.Size {
		return 0, fmt.Errorf("write blob %s at %d: %w: it has %d", i.desc.Digest, off, ErrLength, i.desc.Size)
	}
	if err := i.leaveOrder(off); err != nil {
		return 0, err
	}
	n, err := i.file.WriteAt(p, off)
	i.mu.Lock()
	i.have = i.have.add(Span{off, off + int64(n)})
	i.unsaved += int64(n)
	mine := !i.hashing
	i.hashing = true
	i.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("write blob %s: %w", i.desc.Digest, spaceError(err, i.store.dir, i.desc.Size-i.Have()))
	}
	if mine {
		err = errors.Join(err, i.follow(p[:n], off))
	}
	return n, err
}

// leaveOrder is called before a write: the first one that leaves a gap notes so in the state, since from then on the
// length of the part file says nothing about which bytes are there.
func (i *Ingest) leaveOrder(off int64) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil || i.anywhere || off <= i.have.end(0) {
		return i.err
	}
	i.anywhere = true
	return i.writeState(state{Digest: i.desc.Digest, Size: i.desc.Size, Anywhere: true, Have: i.have})
}

// follow hashes all that is contiguous, the writer's p where it fits. It ends with hashing given back.
func (i *Ingest) follow(p []byte, off int64) error {
	for {
		i.mu.Lock()
		at, end, save := i.offset, i.have.end(i.offset), i.unsaved >= i.saveEvery()
		if i.err != nil || at == end && !save {
			i.hashing = false
			i.mu.Unlock()
			return i.err
		}
		i.mu.Unlock()
		err := i.step(p, off, at, end, save)
		if err != nil {
			i.mu.Lock()
			i.err = err
			i.mu.Unlock()
		}
	}
}

// step saves the state or hashes some bytes from at on.
func (i *Ingest) step(p []byte, off, at, end int64, save bool) error {
	switch {
	case save:
		return i.save()
	case off <= at && at < off+int64(len(p)):
		return i.hash(p[at-off:])
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	n, err := i.file.ReadAt((*b)[:min(end-at, bufferSize)], at)
	if int64(n) < min(end-at, bufferSize) {
		return fmt.Errorf("read part of blob %s: %w", i.desc.Digest, err)
	}
	return i.hash((*b)[:n])
}

// hash feeds the next bytes to the blob's hash, and to the layer's with it.
func (i *Ingest) hash(p []byte) error {
	var err error
	if i.facts == nil {
		i.sum.Write(p)
	} else {
		_, err = i.facts.Write(p)
	}
	i.mu.Lock()
	i.offset += int64(len(p))
	i.mu.Unlock()
	return err
}

// Commit verifies size and digest and gives the blob its final name. With bytes missing it is ErrIncomplete and the
// ingest goes on; wrong bytes are ErrCorrupt and are gone. No Write may be under way.
func (i *Ingest) Commit() error {
	if err := i.follow(nil, 0); err != nil {
		return err
	}
	if n := i.Have(); n != i.desc.Size {
		return fmt.Errorf("commit blob %s: %w: %d of %d bytes", i.desc.Digest, ErrIncomplete, n, i.desc.Size)
	}
	if got := hex.EncodeToString(i.sum.Sum(nil)); got != i.desc.Digest.Hex {
		return errors.Join(fmt.Errorf("commit blob %s: %w: the bytes are sha256:%s", i.desc.Digest, ErrCorrupt, got), i.Discard())
	}
	more, err := i.layerRecords()
	if err != nil {
		return err
	}
	i.forgetState()
	if err := i.store.install(i.file, i.file.Name(), i.desc.Digest, more...); err != nil {
		return fmt.Errorf("commit blob %s: %w", i.desc.Digest, spaceError(err, i.store.dir, 0))
	}
	return i.shut()
}

func (i *Ingest) layerRecords() ([]record, error) {
	if i.facts == nil {
		return nil, nil
	}
	f, err := i.facts.Facts()
	if err != nil {
		return nil, err
	}
	return []record{layerRecord(i.desc.Digest, f)}, nil
}

func (i *Ingest) forgetState() {
	if i.stated {
		os.Remove(i.store.state(i.desc.Digest))
	}
}

// errClosed is the end of an ingest that was committed, discarded or closed.
var errClosed = errors.New("the ingest has ended")

func (i *Ingest) shut() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if errors.Is(i.err, errClosed) {
		return nil
	}
	i.err = errClosed
	unlock(i.file)
	return i.file.Close()
}

// Restart forgets the bytes that are there and keeps the blob locked.
func (i *Ingest) Restart() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forgetState()
	i.reset()
	i.err = nil
	if err := i.file.Truncate(0); err != nil {
		return fmt.Errorf("restart blob %s: %w", i.desc.Digest, err)
	}
	return nil
}

// Discard gives the blob up and forgets its bytes.
func (i *Ingest) Discard() error {
	i.forgetState()
	os.Remove(i.store.part(i.desc.Digest))
	return i.shut()
}

// Close gives the blob up for now; what is there stays for the next ingest. After Commit or Discard it does nothing.
func (i *Ingest) Close() error {
	i.mu.Lock()
	ended, have := errors.Is(i.err, errClosed), i.have.bytes()
	i.mu.Unlock()
	switch {
	case ended:
		return nil
	case have == 0:
		return i.Discard()
	}
	return errors.Join(i.save(), i.shut())
}
