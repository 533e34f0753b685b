// Package store keeps content by its digest under one directory, so that what was fetched once is not fetched again.
package store

import (
	"context"
	"errors"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
)

var errSkeleton = errors.New("not written yet")

var (
	// ErrCorrupt means that bytes do not have the digest they are stored under. The blob is dropped; fetch it again.
	ErrCorrupt = errors.New("corrupt content")
	// ErrNotFound means that the store does not have the content.
	ErrNotFound = errors.New("not in the store")
	// ErrBusy means that another process or goroutine is taking the blob in.
	ErrBusy = errors.New("being taken in by another process")
	// ErrExists means that the store has the blob.
	ErrExists = errors.New("in the store already")
)

// Store is a directory of content.
type Store struct{}

// Report is what a check found.
type Report struct {
	Blobs int
	Bytes int64
	Bad   []Bad
}

// Bad is a blob that was dropped.
type Bad struct {
	Digest v1.Hash
	Reason string
}

func Open(dir string) (*Store, error) { return nil, errSkeleton }

func (s *Store) Has(d v1.Hash) (size int64, ok bool)                  { return 0, false }
func (s *Store) Open(d v1.Hash) (io.ReadCloser, error)                { return nil, errSkeleton }
func (s *Store) ReadAll(d v1.Hash, limit int64) ([]byte, error)       { return nil, errSkeleton }
func (s *Store) Put(b []byte) (v1.Hash, error)                        { return v1.Hash{}, errSkeleton }
func (s *Store) Ingest(desc v1.Descriptor) (*Ingest, error)           { return nil, errSkeleton }
func (s *Store) Export(d v1.Hash, dst string) error                   { return errSkeleton }
func (s *Store) Layer(d v1.Hash) (layer.Facts, bool)                  { return layer.Facts{}, false }
func (s *Store) Remember(d v1.Hash, f layer.Facts) error              { return errSkeleton }
func (s *Store) Placed(host string, d v1.Hash) []string               { return nil }
func (s *Store) Place(host, repo string, d v1.Hash) error             { return errSkeleton }
func (s *Store) Resolution(key string, now time.Time) (v1.Hash, bool) { return v1.Hash{}, false }
func (s *Store) RememberResolution(key string, d v1.Hash, until time.Time) error {
	return errSkeleton
}
func (s *Store) LayerFacts(ctx context.Context, d v1.Hash) (layer.Facts, error) {
	return layer.Facts{}, errSkeleton
}
func (s *Store) Check(ctx context.Context) (Report, error) { return Report{}, errSkeleton }

// Ingest is a blob on its way in.
type Ingest struct{}

func (i *Ingest) Write(p []byte) (int, error)              { return 0, errSkeleton }
func (i *Ingest) WriteAt(p []byte, off int64) (int, error) { return 0, errSkeleton }
func (i *Ingest) Commit() error                            { return errSkeleton }
func (i *Ingest) Close() error                             { return errSkeleton }
