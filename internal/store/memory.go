package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
)

// Layer gives the facts of the blob's layer if they are known. They outlive the blob: they depend on its digest alone.
func (s *Store) Layer(d v1.Hash) (layer.Facts, bool) {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	f, ok := s.journal.layers[d]
	return f, ok
}

// Remember notes the facts of the blob's layer.
func (s *Store) Remember(d v1.Hash, f layer.Facts) error {
	if err := check(d); err != nil {
		return err
	}
	return s.journal.append(layerRecord(d, f))
}

// LayerFacts gives the facts of the blob's layer, and reads the blob for them when they are not known.
func (s *Store) LayerFacts(ctx context.Context, d v1.Hash) (layer.Facts, error) {
	if f, ok := s.Layer(d); ok {
		return f, nil
	}
	size, ok := s.Has(d)
	if !ok {
		return layer.Facts{}, fmt.Errorf("layer of blob %s: %w", d, ErrNotFound)
	}
	r, err := s.Open(d)
	if err != nil {
		return layer.Facts{}, err
	}
	defer r.Close()
	h := layer.NewHasher(d, size)
	if err := pour(ctx, h, r); err != nil {
		return layer.Facts{}, err
	}
	f, err := h.Facts()
	if err != nil {
		return layer.Facts{}, err
	}
	return f, s.Remember(d, f)
}

// pour copies to the end through a pooled buffer, as long as the context lasts.
func pour(ctx context.Context, w io.Writer, r io.Reader) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for ctx.Err() == nil {
		n, err := r.Read(*b)
		if _, bad := w.Write((*b)[:n]); bad != nil {
			return bad
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// Placed lists the repositories of the registry that the blob was pushed to, for mounts. They may have lost it since.
func (s *Store) Placed(host string, d v1.Hash) []string {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.places[placeKey{host, d}])
}

// Place notes that the registry has the blob in the repository.
func (s *Store) Place(host, repo string, d v1.Hash) error {
	if slices.Contains(s.Placed(host, d), repo) {
		return nil
	}
	if err := oneWord(host, repo); err != nil {
		return err
	}
	return s.journal.append(placeRecord(placeKey{host, d}, repo))
}

// Resolution is what the tag last resolved to, if that is still to be believed at the time.
func (s *Store) Resolution(key string, at time.Time) (v1.Hash, bool) {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	r, ok := s.journal.tags[key]
	return r.digest, ok && at.Unix() < r.until
}

// RememberResolution notes what the tag resolved to and until when that may be believed.
func (s *Store) RememberResolution(key string, d v1.Hash, until time.Time) error {
	if err := oneWord(key); err != nil {
		return err
	}
	return s.journal.append(tagRecord(key, d, until))
}

// Origins are what an image was built of here, by its digest, as [Store.RememberOrigin] was told; none when it came from elsewhere.
func (s *Store) Origins(image v1.Hash) []string {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.made[image])
}

// RememberOrigin notes what an image was built of, as one word.
func (s *Store) RememberOrigin(image v1.Hash, origin string) error {
	if slices.Contains(s.Origins(image), origin) {
		return nil
	}
	if err := errors.Join(check(image), oneWord(origin)); err != nil {
		return err
	}
	return s.journal.append(madeRecord(image, origin))
}

// oneWord refuses what would break a line of the journal.
func oneWord(words ...string) error {
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r == 0x7f || r > 0x7e }) {
			return errors.New("note in the store: an empty name or one with spaces")
		}
	}
	return nil
}
