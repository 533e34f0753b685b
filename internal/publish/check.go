package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// Check reads what each target's tag names at present and finds out whether a push is allowed there, so that a wrong password or name is known before
// the first step of a long run. The error names every target that cannot be pushed to. A tag that exists and is neither moving nor forced is no error
// here: the push may turn out to be of the same digest.
func Check(ctx context.Context, client Client, targets []Target) ([]Standing, error) {
	targets = distinct(targets)
	standing, errs := make([]Standing, len(targets)), make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			standing[i].Target = t
			errs[i] = look(ctx, client, &standing[i])
		})
	}
	wg.Wait()
	var failures []Failure
	for i, err := range errs {
		if err != nil {
			failures = append(failures, Failure{targets[i], err})
		}
	}
	if len(failures) > 0 {
		return nil, &Error{failures, len(targets)}
	}
	return standing, nil
}

// distinct leaves out what is named twice. Who forces one forces both.
func distinct(targets []Target) []Target {
	var out []Target
	for _, t := range targets {
		i := slices.IndexFunc(out, func(o Target) bool { return o.Ref == t.Ref })
		if i < 0 {
			out = append(out, t)
			continue
		}
		out[i].Force, out[i].Moving = out[i].Force || t.Force, out[i].Moving || t.Moving
	}
	return out
}

// look reads the tag's digest and tries for the right to push. Where nothing will be uploaded whatever the digest turns out to be, there is nothing to
// try for.
func look(ctx context.Context, client Client, s *Standing) (err error) {
	if s.Ref.Tag == "" || s.Ref.Digest != "" {
		return errNoTag
	}
	if s.Present, err = read(ctx, client, s.Ref); err != nil || s.Held() {
		return err
	}
	return probe(ctx, client, s.Ref)
}

// Read reads what a target's tag names, and tries for no right: for an image that is pushed later, by somebody else.
func Read(ctx context.Context, client Client, t Target) (Standing, error) {
	s := Standing{Target: t}
	var err error
	s.Present, err = read(ctx, client, t.Ref)
	return s, err
}

var errNoTag = errors.New("a push needs a tag and no digest, for example docker.io/labring/nginx:1.23.1")

// read gives the digest that the tag names, zero when there is none.
func read(ctx context.Context, client Client, ref reference.Reference) (v1.Hash, error) {
	desc, err := client.HeadManifest(ctx, ref, ref.Tag)
	if errors.Is(err, registry.ErrNotFound) {
		return v1.Hash{}, nil
	}
	return desc.Digest, err
}

// prober is a client that can ask whether it may push. One that cannot is made to push two bytes.
type prober interface {
	CanPush(ctx context.Context, repo reference.Reference) error
}

// probe finds out whether a push is allowed: reading a repository may be without a password, or with one that allows nothing else.
func probe(ctx context.Context, client Client, ref reference.Reference) error {
	if p, ok := client.(prober); ok {
		return p.CanPush(ctx, ref)
	}
	l := document(empty())
	return client.PutBlob(ctx, ref, l.Desc, l.Open, nil)
}

// empty is the blob that the OCI image specification defines for descriptors that describe nothing. Registries know it well.
func empty() Content {
	b := []byte("{}")
	h := sha256.Sum256(b)
	return Content{MediaType: "application/vnd.oci.empty.v1+json", Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h[:])}, Bytes: b}
}
