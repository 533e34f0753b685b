package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/disk"
)

// Export puts the blob at dst, read-only, in one step: as a hard link, else as a clone that shares its blocks, else,
// on another device, as a copy, which is hashed on its way. What is at dst already is replaced unless it is the blob
// itself. The directory of dst must exist.
func (s *Store) Export(d v1.Hash, dst string) error {
	if _, ok := s.Has(d); !ok {
		return fmt.Errorf("export blob %s: %w", d, ErrNotFound)
	}
	err := os.Link(s.blob(d), dst)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		err = s.replace(d, dst)
	case errors.Is(err, fs.ErrNotExist):
	default:
		err = s.copyTo(d, dst)
	}
	if err != nil {
		return fmt.Errorf("export blob %s: %w", d, err)
	}
	return nil
}

func (s *Store) sizeOf(d v1.Hash) int64 {
	size, _ := s.Has(d)
	return size
}

// replace is for a name that is taken.
func (s *Store) replace(d v1.Hash, dst string) error {
	mine, err := os.Stat(s.blob(d))
	if err != nil {
		return err
	}
	if there, err := os.Lstat(dst); err == nil && os.SameFile(mine, there) {
		return nil
	}
	return s.copyTo(d, dst)
}

// copyTo makes a file beside dst and renames it.
func (s *Store) copyTo(d v1.Hash, dst string) error {
	tmp, err := os.CreateTemp(filepath.Dir(dst), "."+temporary)
	if err != nil {
		return disk.Explain(err, filepath.Dir(dst), s.sizeOf(d), "")
	}
	size, err := s.copyInto(tmp, d)
	err = errors.Join(err, tmp.Chmod(0o444), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), dst)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return disk.Explain(err, filepath.Dir(dst), size, "")
}

func (s *Store) copyInto(tmp *os.File, d v1.Hash) (int64, error) {
	src, err := os.Open(s.blob(d))
	if err != nil {
		return 0, err
	}
	defer src.Close()
	fi, err := src.Stat()
	if err != nil {
		return 0, err
	}
	if clone(tmp, src) == nil {
		return fi.Size(), nil
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	_, err = io.CopyBuffer(struct{ io.Writer }{tmp}, s.verified(src, d), *b)
	return fi.Size(), err
}
