package store

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
)

const (
	// saveOrdered and saveAnywhere are the bytes between two saved states. While bytes come in order the length of
	// the part file tells how many there are, and the state saves hashing alone.
	saveOrdered  = 64 << 20
	saveAnywhere = 4 << 20
	// stateLimit bounds what is read of a state file.
	stateLimit = 1 << 20
)

// state is how far an ingest is. It is written in one step and believed only as far as the part file bears it out; in
// the end the digest decides.
type state struct {
	Digest v1.Hash `json:"digest"`
	Size   int64   `json:"size"`
	// Anywhere says that bytes were not written in order, so that only Have tells what is there.
	Anywhere bool   `json:"anywhere"`
	Have     spans  `json:"have"`
	Offset   int64  `json:"offset"`
	Sum      []byte `json:"sum"`
	Layer    []byte `json:"layer,omitempty"`
}

func (s *Store) state(d v1.Hash) string { return filepath.Join(s.ingests(), d.Hex+".state") }

func (i *Ingest) saveEvery() int64 {
	if i.anywhere {
		return saveAnywhere
	}
	return saveOrdered
}

// save writes the state. The caller has hashing, or the ingest for itself.
func (i *Ingest) save() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.unsaved = 0
	s := state{Digest: i.desc.Digest, Size: i.desc.Size, Anywhere: i.anywhere, Have: i.have, Offset: i.offset}
	var err error
	if s.Sum, err = i.sum.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if i.facts != nil {
		if s.Layer, err = i.facts.MarshalBinary(); err != nil {
			return fmt.Errorf("save state: %w", err)
		}
	}
	return i.writeState(s)
}

func (i *Ingest) writeState(s state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	i.stated = true
	if err := writeFile(i.store.state(i.desc.Digest), b, 0o644); err != nil {
		return fmt.Errorf("save state of blob %s: %w", i.desc.Digest, spaceError(err, i.store.dir, i.desc.Size-i.have.bytes()))
	}
	return nil
}

// resume takes up what the part file holds. Without a usable state its bytes are taken as written in order and hashed
// again.
func (i *Ingest) resume() error {
	fi, err := i.file.Stat()
	if err != nil {
		return err
	}
	length := fi.Size()
	if length > i.desc.Size {
		length = 0
		if err := i.file.Truncate(0); err != nil {
			return err
		}
	}
	s, ok := i.readState()
	if !ok || !i.restore(s, length) {
		i.reset()
		i.have = i.have.add(Span{0, length})
	}
	return nil
}

func (i *Ingest) readState() (s state, ok bool) {
	f, err := os.Open(i.store.state(i.desc.Digest))
	if err != nil {
		return s, false
	}
	defer f.Close()
	i.stated = true
	b, err := io.ReadAll(io.LimitReader(f, stateLimit))
	if err != nil || json.Unmarshal(b, &s) != nil {
		return s, false
	}
	return s, s.Digest == i.desc.Digest && s.Size == i.desc.Size && s.Have.within(s.Size)
}

// restore goes on from a state when the part file is long enough for it.
func (i *Ingest) restore(s state, length int64) bool {
	if n := len(s.Have); n > 0 && s.Have[n-1].To > length || s.Offset < 0 || s.Offset > s.Have.end(0) {
		return false
	}
	if i.facts != nil && s.Layer == nil {
		s.Offset = 0 // saved by one that skipped the layer
	}
	if s.Offset > 0 && !i.restoreHashes(s) {
		return false
	}
	i.have, i.offset, i.anywhere = s.Have, s.Offset, s.Anywhere
	if !s.Anywhere {
		i.have = i.have.add(Span{0, length})
	}
	return true
}

func (i *Ingest) restoreHashes(s state) bool {
	if i.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.Sum) != nil {
		return false
	}
	if i.facts == nil {
		return true
	}
	h := layer.NewHasher(i.desc.Digest, i.desc.Size)
	if h.UnmarshalBinary(s.Layer) != nil || h.Fed() != s.Offset {
		return false
	}
	i.facts = h
	i.facts.Along(i.sum)
	return true
}
