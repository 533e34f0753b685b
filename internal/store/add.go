package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Add stores content whose digest is not known before, and returns its digest and size.
func (s *Store) Add(ctx context.Context, r io.Reader) (v1.Hash, int64, error) {
	tmp, err := os.CreateTemp(s.ingests(), temporary)
	if err != nil {
		return v1.Hash{}, 0, fmt.Errorf("store content: %w", spaceError(err, s.dir, 0))
	}
	defer tmp.Close()
	w := &hashing{file: tmp, sum: sha256.New()}
	err = pour(ctx, w, r)
	d := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(w.sum.Sum(nil))}
	if err == nil {
		err = s.install(tmp, tmp.Name(), d)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return v1.Hash{}, 0, fmt.Errorf("store content: %w", spaceError(err, s.dir, bufferSize))
	}
	return d, w.size, nil
}

// hashing writes and hashes.
type hashing struct {
	file *os.File
	sum  hash.Hash
	size int64
}

func (h *hashing) Write(p []byte) (int, error) {
	n, err := h.file.Write(p)
	h.sum.Write(p[:n])
	h.size += int64(n)
	return n, err
}
