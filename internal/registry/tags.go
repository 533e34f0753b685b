package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Bounds of a list of tags: pages, and bytes of a page.
const (
	maxTagPages = 200
	maxTagPage  = 8 << 20
)

// Tags gives all tags of a repository, in the order in which the registry has them. A repository that is not there is ErrNotFound.
func (c *Client) Tags(ctx context.Context, repo reference.Reference) ([]string, error) {
	var all []string
	query := "n=1000"
	for range maxTagPages {
		tags, next, err := c.tagPage(ctx, repo, query)
		if err != nil {
			return nil, err
		}
		all = append(all, tags...)
		if next == "" || next == query {
			break
		}
		query = next
	}
	return all, nil
}

// nameUnknown is the code of the distribution specification for a repository that the registry does not know.
const nameUnknown = "NAME_UNKNOWN"

// HasRepository says whether the registry knows the repository. It may not know one that has blobs but never had a manifest.
func (c *Client) HasRepository(ctx context.Context, repo reference.Reference) (bool, error) {
	resp, err := c.send(ctx, &request{
		host: c.host(repo.Host), path: repo.Path, method: http.MethodGet, what: "look for repository",
		url: "tags/list?n=1", header: http.Header{}, accept: []int{http.StatusOK},
	})
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound && e.Code == nameUnknown {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, resp.Close()
}

func (c *Client) tagPage(ctx context.Context, repo reference.Reference, query string) (tags []string, next string, err error) {
	q := &request{
		host: c.host(repo.Host), path: repo.Path, method: http.MethodGet, what: "list tags",
		url: "tags/list?" + query, header: http.Header{}, accept: []int{http.StatusOK},
	}
	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, q)
		if err != nil {
			return nil, "", err
		}
		tags, err := readTags(resp)
		if err == nil {
			return tags, nextPage(resp.Header.Get("Link")), nil
		}
		if err := c.again(ctx, q, attempt, q.error(err)); err != nil {
			return nil, "", err
		}
	}
}

func readTags(resp *response) ([]string, error) {
	defer resp.Close()
	b, err := readLimited(resp, resp.ContentLength, maxTagPage)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	var page struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(b, &page); err != nil {
		return nil, fmt.Errorf("%w: the answer is no list of tags: %w", ErrCorrupt, err)
	}
	return page.Tags, nil
}

// nextPage is the query of the next page, from the header Link: </v2/NAME/tags/list?last=TAG&n=1000>; rel="next". The rest of the address is not
// believed: it is the same repository that is asked.
func nextPage(link string) string {
	address, rel, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok || !strings.Contains(rel, "next") {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Encode()
}
