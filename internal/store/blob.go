package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// bufferSize is how much is read and hashed at a time. Larger buffers were not faster.
const bufferSize = 256 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// Open opens a blob for reading from its beginning. The bytes are hashed while they are read, unless this process has
// hashed them before, as it has those that it took in: where the end would be, a blob that is not what its name says
// gives [ErrCorrupt] instead, and is dropped, so that the next fetch brings it anew.
func (s *Store) Open(d v1.Hash) (io.ReadCloser, error) {
	if err := check(d); err != nil {
		return nil, err
	}
	f, err := os.Open(s.blob(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open blob %s: %w", d, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	if s.sound(f, d) {
		return f, nil
	}
	return s.verified(f, d), nil
}

// verifier hashes what is read and compares at the end.
type verifier struct {
	store *Store
	file  *os.File
	want  v1.Hash
	sum   hash.Hash
	err   error
}

func (s *Store) verified(f *os.File, d v1.Hash) *verifier {
	return &verifier{store: s, file: f, want: d, sum: sha256.New()}
}

// Read gives bytes that are verified once io.EOF has come.
func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.file.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(v.sum.Sum(nil)) != v.want.Hex {
		err = v.corrupt()
	}
	v.err = err
	return n, err
}

// Verify reads a blob and hashes it, even one that this process has hashed before. One that is damaged is [ErrCorrupt] and is dropped.
func (s *Store) Verify(ctx context.Context, d v1.Hash) error {
	if _, ok := s.Has(d); !ok {
		return fmt.Errorf("verify blob %s: %w", d, ErrNotFound)
	}
	_, err := s.hashAgain(ctx, d)
	return err
}

func (v *verifier) corrupt() error {
	err := fmt.Errorf("read blob %s from the store: %w: its bytes are dropped and fetched again by the next run", v.want, ErrCorrupt)
	return errors.Join(err, v.store.drop(v.want))
}

// Close closes the file.
func (v *verifier) Close() error { return v.file.Close() }

// drain reads to the end for the verification alone.
func drain(r io.Reader) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		if _, err := r.Read(*b); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// ReadAll reads a small blob, at most limit bytes.
func (s *Store) ReadAll(d v1.Hash, limit int64) ([]byte, error) {
	r, err := s.Open(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("read blob %s: larger than %d bytes", d, limit)
	}
	return b, err
}

// Put stores small content, such as a manifest, and returns its digest.
func (s *Store) Put(b []byte) (v1.Hash, error) {
	sum := sha256.Sum256(b)
	d := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
	if _, ok := s.Has(d); ok {
		return d, nil
	}
	if err := s.place(d, b); err != nil {
		return v1.Hash{}, fmt.Errorf("store %s: %w", d, spaceError(err, s.dir, int64(len(b))))
	}
	return d, nil
}

func (s *Store) place(d v1.Hash, b []byte) error {
	tmp, err := os.CreateTemp(s.ingests(), temporary)
	if err != nil {
		return err
	}
	defer tmp.Close()
	if err := s.fill(tmp, b, d); err != nil {
		os.Remove(tmp.Name())
		return err
	}
	return nil
}

func (s *Store) fill(tmp *os.File, b []byte, d v1.Hash) error {
	if _, err := tmp.Write(b); err != nil {
		return err
	}
	return s.install(tmp, tmp.Name(), d)
}

// install gives a complete file its final name and records it.
func (s *Store) install(f *os.File, path string, d v1.Hash, more ...record) error {
	if err := f.Chmod(0o444); err != nil {
		return err
	}
	if err := os.Rename(path, s.blob(d)); err != nil {
		return err
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	return s.record(d, fi, more...)
}

// temporary is the pattern of files without a lasting name.
const temporary = "tmp-*"

// writeFile replaces a small file in one step.
func writeFile(path string, b []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
