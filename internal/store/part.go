package store

import (
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func (s *Store) part(d v1.Hash) string { return filepath.Join(s.ingests(), d.Hex+".part") }

// lockPart opens the part file and locks it. Between the two its owner may have finished and renamed it, so the locked
// file must still be the one under that name.
func (s *Store) lockPart(d v1.Hash) (*os.File, error) {
	for {
		f, err := os.OpenFile(s.part(d), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		if err := tryLock(f); err != nil {
			f.Close()
			return nil, err
		}
		mine, err1 := f.Stat()
		named, err2 := os.Lstat(s.part(d))
		if err1 == nil && err2 == nil && os.SameFile(mine, named) {
			return s.unlessThere(f, d)
		}
		f.Close()
		if _, ok := s.Has(d); ok {
			return nil, ErrExists
		}
	}
}

// unlessThere looks once more, now with the lock, whether another has finished the blob meanwhile.
func (s *Store) unlessThere(f *os.File, d v1.Hash) (*os.File, error) {
	if _, ok := s.Has(d); !ok {
		return f, nil
	}
	os.Remove(s.part(d))
	f.Close()
	return nil, ErrExists
}

// Reserved is how many bytes of the file system an unfinished ingest of the blob has taken already.
func (s *Store) Reserved(desc v1.Descriptor) int64 {
	fi, err := os.Stat(s.part(desc.Digest))
	switch {
	case check(desc.Digest) != nil || err != nil:
		return 0
	case desc.Size >= allocateFrom:
		return desc.Size
	}
	return fi.Size()
}
