package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// maxRedirects is how often a page may lead on.
const maxRedirects = 5

// Pages is the address of the repository's site; [ErrNotFound] where it has none.
func (c *Client) Pages(ctx context.Context) (string, error) {
	p, _, err := c.api.Repositories.GetPagesInfo(ctx, c.owner, c.name)
	if err != nil {
		return "", explain("ask for the address of the site", err)
	}
	return p.GetHTMLURL(), nil
}

// Page fetches a page that anyone may see; [ErrNotFound] where there is none. No token goes with it.
func (c *Client) Page(ctx context.Context, address string) ([]byte, error) {
	b, err := c.public(ctx, address, maxArtifact)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", address, err)
	}
	return b, nil
}

// public fetches what needs no token, as it is now: not what a cache on the way remembers.
func (c *Client) public(ctx context.Context, address string, limit int64) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if err := overTLS(q.URL); err != nil {
		return nil, err
	}
	q.Header.Set("Cache-Control", "no-cache")
	resp, err := c.plain.Do(q)
	if err != nil {
		return nil, withoutQuery(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrNotFound
	default:
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("it has more than %d bytes", limit)
	}
	return b, nil
}

// withoutQuery takes the address out of an error: that of an artifact lets anybody read it for a while.
func withoutQuery(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// overTLS refuses what anybody on the way could change; this machine is no way.
func overTLS(u *url.URL) error {
	host := u.Hostname()
	if u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || net.ParseIP(host).IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s://%s is not https", u.Scheme, host)
}

func followed(q *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	return overTLS(q.URL)
}
