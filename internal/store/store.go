// Package store keeps content by its digest under one directory, so that what was fetched once is not fetched again:
// not by another image, version or platform, and not after a killed run.
//
//	blobs/sha256/<hex>    a blob, complete and checked; read-only, so that a hard link of it cannot be written by accident
//	ingest/<hex>.part     a blob on its way in, locked by the one who writes it
//	ingest/<hex>.state    how far that is, with the state of its hashes
//	journal               what is known about blobs; see journal.go
//	lock                  held shared while a process uses the store
//
// Nothing is synced to the disk one by one. A blob gets its final name only after all its bytes were hashed, so a
// killed process leaves nothing wrong behind; after a power cut a file may have lost bytes that were still in memory,
// and then its size or its digest tells: bytes are hashed whenever they are read out, unless this very process has hashed
// them already, and what does not fit is dropped and fetched anew. A sync for each of a thousand blobs would cost more
// than the fetch that it might save.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

var (
	// ErrCorrupt means that bytes do not have the digest they are stored under. They are dropped; fetch them again.
	ErrCorrupt = errors.New("corrupt content")
	// ErrNotFound means that the store does not have the content.
	ErrNotFound = errors.New("not in the store")
	// ErrBusy means that somebody else, often another process, is taking the blob in.
	ErrBusy = errors.New("being taken in elsewhere")
	// ErrExists means that the store has the blob.
	ErrExists = errors.New("in the store already")
	// ErrIncomplete means that bytes of the blob are still missing.
	ErrIncomplete = errors.New("incomplete content")
	// ErrLength means that there are more bytes than the descriptor says.
	ErrLength = errors.New("more bytes than announced")
	// ErrDigest means that a digest is not one the store can keep: sha256 and 64 hex digits.
	ErrDigest = errors.New("unusable digest")
)

// Store is a directory of content. It may be used by many goroutines and by many processes at once.
type Store struct {
	dir     string
	journal *journal
	lock    *os.File

	mu       sync.Mutex
	adopting map[v1.Hash]*adoption
	// hashed are the files whose bytes this process has hashed: there is no need to do so again when they are read out.
	hashed map[v1.Hash]mark
}

// Open opens the store in dir, which is made when it is not there.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, adopting: map[v1.Hash]*adoption{}, hashed: map[v1.Hash]mark{}}
	for _, d := range []string{s.blobs(), s.ingests()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("open store: %w", spaceError(err, dir, 0))
		}
	}
	if err := s.openJournal(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

// openJournal reads the journal, shortened first when nobody else has the store open.
func (s *Store) openJournal() error {
	lock, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return spaceError(err, s.dir, 0)
	}
	path := filepath.Join(s.dir, "journal")
	if tryLock(lock) == nil {
		if err := compact(path); err != nil {
			lock.Close()
			return spaceError(err, s.dir, 0)
		}
	}
	if err := shareLock(lock); err != nil {
		lock.Close()
		return err
	}
	if s.journal, err = openJournal(path); err != nil {
		lock.Close()
		return spaceError(err, s.dir, 0)
	}
	s.lock = lock
	return nil
}

// Close lets go of the store. The content stays.
func (s *Store) Close() error { return errors.Join(s.journal.close(), s.lock.Close()) }

// Dir is the directory of the store.
func (s *Store) Dir() string { return s.dir }

func (s *Store) blobs() string   { return filepath.Join(s.dir, "blobs", "sha256") }
func (s *Store) ingests() string { return filepath.Join(s.dir, "ingest") }

func (s *Store) blob(d v1.Hash) string { return filepath.Join(s.blobs(), d.Hex) }

// check says whether a digest can be a file name here. Digests come from foreign manifests.
func check(d v1.Hash) error {
	if _, err := v1.NewHash(d.String()); err != nil || d.Algorithm != "sha256" {
		return fmt.Errorf("%w: %q", ErrDigest, d.String())
	}
	return nil
}

// Has says whether the store has the blob, and its size. The file must be the one that was recorded: same size, time
// and inode. A file that is not (a copied store, a lost journal, a file that somebody touched) is hashed, once.
func (s *Store) Has(d v1.Hash) (size int64, ok bool) {
	if check(d) != nil {
		return 0, false
	}
	fi, err := os.Lstat(s.blob(d))
	if err != nil || !fi.Mode().IsRegular() {
		return 0, false
	}
	m := markOf(fi)
	if s.journal.recorded(d, m) || s.journal.refresh() == nil && s.journal.recorded(d, m) {
		return m.size, true
	}
	return s.adopt(d)
}

// drop takes the blob out: its bytes are not what they should be.
func (s *Store) drop(d v1.Hash) error {
	s.mu.Lock()
	delete(s.hashed, d)
	s.mu.Unlock()
	err := os.Remove(s.blob(d))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.journal.append(dropRecord(d)))
}

// record notes the file under the blob's final name as good, with more that is known about it.
func (s *Store) record(d v1.Hash, fi os.FileInfo, more ...record) error {
	m := markOf(fi)
	s.mu.Lock()
	s.hashed[d] = m
	s.mu.Unlock()
	return s.journal.append(append(more, blobRecord(d, m))...)
}

// sound says whether the file is one that this process has hashed.
func (s *Store) sound(f *os.File, d v1.Hash) bool {
	fi, err := f.Stat()
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.hashed[d]
	return err == nil && ok && m == markOf(fi)
}

// adoption is one hashing of a file without a record, which all who ask for it wait for.
type adoption struct {
	done chan struct{}
	size int64
	ok   bool
}

func (s *Store) adopt(d v1.Hash) (int64, bool) {
	s.mu.Lock()
	a, running := s.adopting[d]
	if !running {
		a = &adoption{done: make(chan struct{})}
		s.adopting[d] = a
	}
	s.mu.Unlock()
	if running {
		<-a.done
		return a.size, a.ok
	}
	a.size, a.ok = s.rehash(d)
	s.mu.Lock()
	delete(s.adopting, d)
	s.mu.Unlock()
	close(a.done)
	return a.size, a.ok
}

// rehash reads the blob, records it when it is good and drops it when it is not.
func (s *Store) rehash(d v1.Hash) (int64, bool) {
	f, err := os.Open(s.blob(d))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || drain(s.verified(f, d)) != nil {
		return 0, false
	}
	return fi.Size(), s.record(d, fi) == nil
}
