package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// follow goes where a GET or HEAD is redirected to, without credentials.
func (c *Client) follow(ctx context.Context, q *request, from *url.URL, resp *response) (*response, error) {
	for range maxRedirects {
		if !redirects(resp.StatusCode) || q.body != nil || q.method != http.MethodGet && q.method != http.MethodHead {
			return resp, nil
		}
		to, err := from.Parse(resp.Header.Get("Location"))
		resp.drain()
		if err != nil || resp.Header.Get("Location") == "" {
			return nil, q.error(fmt.Errorf("%w: redirect to no usable place", ErrUnsafe))
		}
		if err := mayFollow(from, to, q.host.private.Load()); err != nil {
			return nil, q.error(err)
		}
		if resp, err = c.hop(ctx, q, to, ""); err != nil {
			return nil, err
		}
		from, resp.redirected = to, true
	}
	resp.Close()
	return nil, q.error(fmt.Errorf("%w: more than %d redirects", ErrLimit, maxRedirects))
}

func redirects(status int) bool {
	return slices.Contains([]int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect}, status)
}
