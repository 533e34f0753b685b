package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxRepositories is how many repositories `sealos registry sync` asks a catalog for; it never asks for a second page.
const maxRepositories = 1024

// Copied says what [Sync] did.
type Copied struct {
	// Repositories, Tags and Bytes count what came; the bytes without those that another repository brought already.
	Repositories, Tags int
	Bytes              int64
	// Failed are the tags that could not be copied. Sealos warns of them and goes on.
	Failed []Failure
	// Left is how many repositories are beyond those that sealos asks for.
	Left int
}

// Failure is a tag that was not copied.
type Failure struct {
	// Name is repository:tag.
	Name string
	// Err is why.
	Err error
}

// Sync copies every tag of a registry for the platform (linux/amd64) as `sealos registry sync` does: the catalog, the tags of each repository, the
// image of each tag. A repository without a tag ends it with an error, as it ends sealos.
func Sync(ctx context.Context, from *Client, to *Registry, platform string) (Copied, error) {
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return Copied{}, fmt.Errorf("copy tags: %w", err)
	}
	s := syncer{from: from, to: to, platform: *p}
	if err := s.run(ctx); err != nil {
		return s.copied, fmt.Errorf("copy tags: %w", err)
	}
	s.copied.Bytes = to.bytes
	return s.copied, nil
}

type syncer struct {
	from     *Client
	to       *Registry
	platform v1.Platform
	copied   Copied
}

func (s *syncer) run(ctx context.Context) error {
	var catalog struct{ Repositories []string }
	if err := s.from.getJSON(ctx, fmt.Sprintf("_catalog?n=%d", maxRepositories), &catalog); err != nil {
		return err
	}
	for _, name := range catalog.Repositories {
		var list struct{ Tags []string }
		if err := s.from.getJSON(ctx, name+"/tags/list", &list); err != nil {
			return fmt.Errorf("%s has no tag, and `sealos registry sync` stops at such a repository: %w", name, err)
		}
		s.copied.Repositories++
		for _, tag := range list.Tags {
			if err := s.tag(ctx, name, tag); ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				s.copied.Failed = append(s.copied.Failed, Failure{name + ":" + tag, err})
				continue
			}
			s.copied.Tags++
		}
	}
	return s.countLeft(ctx, catalog.Repositories)
}

// countLeft looks whether there is more than sealos asks for.
func (s *syncer) countLeft(ctx context.Context, got []string) error {
	if len(got) < maxRepositories {
		return nil
	}
	last := got[len(got)-1]
	for {
		var catalog struct{ Repositories []string }
		query := url.Values{"n": {fmt.Sprint(maxRepositories)}, "last": {last}}
		if err := s.from.getJSON(ctx, "_catalog?"+query.Encode(), &catalog); err != nil || len(catalog.Repositories) == 0 {
			return err
		}
		s.copied.Left += len(catalog.Repositories)
		last = catalog.Repositories[len(catalog.Repositories)-1]
	}
}

// tag copies the image that a node of the platform uses.
func (s *syncer) tag(ctx context.Context, name, tag string) error {
	m, err := s.from.image(ctx, name, tag, s.platform)
	if err != nil {
		return err
	}
	for i, b := range m.blobs() {
		if err := s.blob(ctx, name, b, i == 0); err != nil {
			return err
		}
	}
	return s.to.putManifest(name, tag, m)
}

func (s *syncer) blob(ctx context.Context, name string, b v1.Descriptor, config bool) error {
	if s.to.mount(name, b.Digest, config) {
		return nil
	}
	resp, err := s.from.do(ctx, http.MethodGet, name+"/blobs/"+b.Digest.String(), "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return s.to.putBlob(name, b, resp.Body, config)
}
