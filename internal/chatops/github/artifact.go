package github

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	gh "github.com/google/go-github/v62/github"
)

// Artifact is what a run left under a name.
type Artifact struct {
	ID, Run int64
	Created time.Time
}

// Artifacts are those of a name that were made since a time, of all runs. Pull requests leave artifacts too: [Client.Run] tells whose run it was.
func (c *Client) Artifacts(ctx context.Context, name string, since time.Time) ([]Artifact, error) {
	var out []Artifact
	for page := 1; page <= maxPages; page++ {
		var list gh.ArtifactList
		q := url.Values{"name": {name}, "per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}}
		if err := c.get(ctx, "actions/artifacts?"+q.Encode(), &list); err != nil {
			return nil, explain("list artifacts", err)
		}
		before := len(out)
		for _, a := range list.Artifacts {
			if a.GetName() == name && !a.GetExpired() && !a.GetCreatedAt().Before(since) {
				out = append(out, Artifact{ID: a.GetID(), Run: a.GetWorkflowRun().GetID(), Created: a.GetCreatedAt().Time})
			}
		}
		// The newest come first: behind a page without any, all are older.
		if len(list.Artifacts) < pageSize || len(out) == before {
			return out, nil
		}
	}
	return nil, ErrTooMany
}

// get asks for something of the repository.
func (c *Client) get(ctx context.Context, path string, v any) error {
	q, err := c.api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/%s", c.owner, c.name, path), nil)
	if err != nil {
		return err
	}
	_, err = c.api.Do(ctx, q, v)
	return err
}

// Run is a run of a workflow, as GitHub knows it.
func (c *Client) Run(ctx context.Context, id int64) (Run, error) {
	var r Run
	if err := c.get(ctx, fmt.Sprintf("actions/runs/%d", id), &r); err != nil {
		return Run{}, explain(fmt.Sprintf("look at run %d", id), err)
	}
	return r, nil
}

// ErrContent says that an artifact does not hold what it should.
var ErrContent = errors.New("the artifact does not hold what it should")

// maxArtifact bounds an artifact and a file in it, in bytes.
const maxArtifact = 32 << 20

// ReadArtifact gives a file of an artifact.
func (c *Client) ReadArtifact(ctx context.Context, a Artifact, file string) ([]byte, error) {
	at, _, err := c.api.Actions.DownloadArtifact(ctx, c.owner, c.name, a.ID, 1)
	if err != nil {
		return nil, explain(fmt.Sprintf("find artifact %d", a.ID), err)
	}
	packed, err := c.public(ctx, at.String(), maxArtifact)
	if err != nil {
		return nil, fmt.Errorf("fetch artifact %d: %w", a.ID, err)
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("%w: artifact %d: %w", ErrContent, a.ID, err)
	}
	f, err := z.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: artifact %d: %w", ErrContent, a.ID, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxArtifact+1))
	if err != nil || len(b) > maxArtifact {
		return nil, fmt.Errorf("%w: artifact %d: %s has more than %d bytes, or is damaged (%v)", ErrContent, a.ID, file, maxArtifact, err)
	}
	return b, nil
}
