package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// Report is what a check found.
type Report struct {
	// Blobs and Bytes are what was hashed and is good.
	Blobs int
	Bytes int64
	// Bad are the blobs that were dropped.
	Bad []Bad
	// Parts and PartBytes are blobs on their way in, which the next fetch continues.
	Parts     int
	PartBytes int64
}

// Bad is a blob that was dropped, or a file that is not one and was left alone.
type Bad struct {
	Name   string
	Reason string
}

// leftover is the age from which on a file without a lasting name belongs to no running process.
const leftover = 24 * time.Hour

// Check hashes every blob, drops those that are not what they should be, and clears away what killed runs left.
func (s *Store) Check(ctx context.Context) (Report, error) {
	entries, err := os.ReadDir(s.blobs())
	if err != nil {
		return Report{}, fmt.Errorf("check store: %w", err)
	}
	var mu sync.Mutex
	var report Report
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range entries {
		group.Go(func() error {
			n, bad := s.checkOne(ctx, e.Name())
			mu.Lock()
			defer mu.Unlock()
			if bad != nil {
				report.Bad = append(report.Bad, Bad{e.Name(), bad.Error()})
			} else {
				report.Blobs, report.Bytes = report.Blobs+1, report.Bytes+n
			}
			return context.Cause(ctx)
		})
	}
	if err := group.Wait(); err != nil {
		return report, fmt.Errorf("check store: %w", err)
	}
	return report, s.checkParts(&report)
}

func (s *Store) checkOne(ctx context.Context, name string) (int64, error) {
	d := v1.Hash{Algorithm: "sha256", Hex: name}
	if err := check(d); err != nil {
		return 0, err
	}
	return s.hashAgain(ctx, d)
}

// hashAgain reads a blob, whatever is known of it, and drops it when it is not what its name says.
func (s *Store) hashAgain(ctx context.Context, d v1.Hash) (int64, error) {
	f, err := os.Open(s.blob(d))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := pour(ctx, nowhere{}, s.verified(f, d)); err != nil {
		return 0, err
	}
	if s.journal.recorded(d, markOf(fi)) {
		return fi.Size(), nil
	}
	return fi.Size(), s.record(d, fi)
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (s *Store) checkParts(r *Report) error {
	entries, err := os.ReadDir(s.ingests())
	if err != nil {
		return fmt.Errorf("check store: %w", err)
	}
	var errs []error
	for _, e := range entries {
		fi, err := e.Info()
		switch {
		case err != nil:
		case strings.HasSuffix(e.Name(), ".part"):
			r.Parts, r.PartBytes = r.Parts+1, r.PartBytes+fi.Size()
		case strings.HasPrefix(e.Name(), "tmp-") && time.Since(fi.ModTime()) > leftover:
			errs = append(errs, os.Remove(filepath.Join(s.ingests(), e.Name())))
		}
	}
	return errors.Join(errs...)
}
