package publish

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Outcome is what became of a target.
type Outcome string

// The outcomes. Unchanged means that the tag named the digest already; Failed comes with an error.
const (
	Pushed    Outcome = "pushed"
	Unchanged Outcome = "unchanged"
	Failed    Outcome = "failed"
)

// Report is what became of one target.
type Report struct {
	Target  Target
	Outcome Outcome
	// Digest is that of the index.
	Digest v1.Hash
	// Replaced is the digest that the tag named before; zero when it named nothing or the same.
	Replaced v1.Hash
	// Blobs counts those of the repository, which targets of the same repository share.
	Blobs Tally
	Err   error
}

// Name is the whole name of what was pushed: docker.io/labring/nginx:1.23.1@sha256:…
func (r Report) Name() string {
	ref := r.Target.Ref
	return reference.Reference{Host: ref.Host, Path: ref.Path, Tag: ref.Tag, Digest: r.Digest.String()}.String()
}

// Finish pushes what is missing of the index to every target, one report for each in their order. That one fails does not stop the others; the error
// is then an [Error] that names those that failed.
func (s *Session) Finish(ctx context.Context, index Index) ([]Report, error) {
	stop := context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
	defer stop()
	reports := make([]Report, len(s.targets))
	var wg sync.WaitGroup
	for i, t := range s.targets {
		wg.Go(func() { reports[i] = s.finish(t, index) })
	}
	wg.Wait()
	var failures []Failure
	for _, r := range reports {
		if r.Err != nil {
			failures = append(failures, Failure{r.Target, r.Err})
		}
	}
	if len(failures) > 0 {
		return reports, &Error{failures, len(reports)}
	}
	return reports, nil
}

// finish pushes to one target.
func (s *Session) finish(t Standing, index Index) Report {
	report := Report{Target: t.Target, Outcome: Unchanged, Digest: index.Digest}
	switch {
	case t.Present == index.Digest:
		return report
	case t.Held():
		report.Err = refuse(t, "this build is "+index.Digest.String())
	default:
		report.Err = s.push(t, index)
	}
	report.Blobs = s.repository(t.Ref).counted()
	if report.Err != nil {
		report.Outcome = Failed
		return report
	}
	report.Outcome, report.Replaced = Pushed, t.Present
	return report
}

// push goes through the order that makes it safe: blobs, manifests, index, tag.
func (s *Session) push(t Standing, index Index) error {
	r := s.repository(t.Ref)
	for _, l := range blobs(index) {
		r.offer(s.ctx, l)
	}
	if err := r.wait(); err != nil {
		return err
	}
	if err := s.putDocuments(t.Ref, index); err != nil {
		return err
	}
	if done, err := s.recheck(t, index.Digest); done || err != nil {
		return err
	}
	if err := s.put(t.Ref, t.Ref.Tag, index.Content); err != nil {
		return fmt.Errorf("set tag %s: %w", t.Ref.Tag, err)
	}
	return s.readBack(t.Ref, index)
}

// putDocuments puts the platforms' manifests, then the index, each by its digest.
func (s *Session) putDocuments(ref reference.Reference, index Index) error {
	group, ctx := errgroup.WithContext(s.ctx)
	for _, image := range index.Images {
		group.Go(func() error {
			if _, err := s.o.Client.PutManifest(ctx, ref, image.Manifest.Digest.String(), image.Manifest.MediaType, image.Manifest.Bytes); err != nil {
				return fmt.Errorf("put manifest of %s: %w", image.Platform.String(), err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.put(ref, index.Digest.String(), index.Content); err != nil {
		return fmt.Errorf("put index: %w", err)
	}
	return nil
}

func (s *Session) put(ref reference.Reference, tagOrDigest string, c Content) error {
	_, err := s.o.Client.PutManifest(s.ctx, ref, tagOrDigest, c.MediaType, c.Bytes)
	return err
}

// recheck looks at the tag once more, since a long time may have passed; done means that somebody has set it to the very digest.
func (s *Session) recheck(t Standing, digest v1.Hash) (done bool, err error) {
	now, err := read(s.ctx, s.o.Client, t.Ref)
	switch {
	case err != nil:
		return false, fmt.Errorf("read tag %s before setting it: %w", t.Ref.Tag, err)
	case now == digest:
		return true, nil
	case now != t.Present && !t.Force:
		return false, moved(t, now)
	}
	return false, nil
}

// readBack compares what the registry gives for the tag and for each digest with what was pushed.
func (s *Session) readBack(ref reference.Reference, index Index) error {
	group, ctx := errgroup.WithContext(s.ctx)
	group.Go(func() error { return s.compare(ctx, ref, ref.Tag, index.Content) })
	for _, c := range documents(index) {
		group.Go(func() error { return s.compare(ctx, ref, c.Digest.String(), c) })
	}
	return group.Wait()
}

func (s *Session) compare(ctx context.Context, ref reference.Reference, tagOrDigest string, c Content) error {
	m, err := s.o.Client.Manifest(ctx, ref, tagOrDigest)
	switch {
	case err != nil:
		return fmt.Errorf("read back %s: %w", tagOrDigest, err)
	case m.Digest != c.Digest || !bytes.Equal(m.Bytes, c.Bytes):
		return fmt.Errorf("%w: %s is %s, pushed was %s", ErrReadBack, tagOrDigest, m.Digest, c.Digest)
	}
	return nil
}
