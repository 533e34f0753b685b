package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// ErrSource is what every error about a foreign server wraps.
var ErrSource = errors.New("download failed")

// attempts is how often a request is made that fails for a reason which may pass.
const attempts = 4

// defaultTimeout bounds one download as a whole.
const defaultTimeout = 10 * time.Minute

// PlainHTTPVariable names the environment variable with the hosts, parted by commas, that a recipe's commands may ask without TLS, beside the
// loopback.
const PlainHTTPVariable = "RECIPE_PLAIN_HTTP"

// Client fetches over https. The zero value is ready.
type Client struct {
	// HTTP does the requests: a client of its own when nil, with the proxies of the environment.
	HTTP *http.Client
	// PlainHTTP are hosts, with their port if any, that may be asked without TLS. The loopback may always.
	PlainHTTP []string
	// Tokens are sent to the hosts that they are for, and over TLS only, the loopback aside. A redirect to another host takes none along.
	Tokens map[string]string
	// Timeout bounds one download as a whole: ten minutes when zero.
	Timeout time.Duration
	// Wait waits between two attempts; nil waits for real.
	Wait func(ctx context.Context, d time.Duration) error
}

// check refuses what is not https, unless the host is the loopback or was named.
func (c *Client) check(u *url.URL) error {
	switch {
	case u.Host == "":
		return fmt.Errorf("%w: %q is no address: want https://HOST/PATH", ErrSource, u.Redacted())
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("%w: %s: the scheme must be https", ErrSource, u.Redacted())
	case isLoopback(u.Hostname()) || slices.Contains(c.PlainHTTP, u.Host):
		return nil
	}
	return fmt.Errorf("%w: %s: without TLS anybody on the way can change it: use https, or allow it with %s=%s", ErrSource, u.Redacted(), PlainHTTPVariable, u.Host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// client is the one that does the requests. A redirect must keep to the rules of [Client.check].
func (c *Client) client() *http.Client {
	base := http.Client{}
	if c.HTTP != nil {
		base = *c.HTTP
	}
	base.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("ten redirects, one after another")
		}
		return c.check(r.URL)
	}
	return &base
}

// get fetches an address and hands the body to use, again from the start when the connection breaks or the server is busy.
func (c *Client) get(ctx context.Context, address string, use func(body io.Reader) error) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrSource, address)
	}
	if err := c.check(u); err != nil {
		return err
	}
	limit := c.Timeout
	if limit == 0 {
		limit = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %s", limit))
	defer cancel()
	for n := 1; ; n++ {
		err := c.once(ctx, u, use)
		var p *passing
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s: %w", ErrSource, u.Redacted(), context.Cause(ctx))
		}
		if !errors.As(err, &p) || n == attempts {
			return fmt.Errorf("%w: %s: %w%s", ErrSource, u.Redacted(), err, tries(n))
		}
		if err := c.wait(ctx, time.Second<<n/2); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrSource, u.Redacted(), err)
		}
	}
}

func (c *Client) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// passing is a failure that another attempt may not meet.
type passing struct{ err error }

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

func (c *Client) once(ctx context.Context, u *url.URL, use func(io.Reader) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "cluster-image")
	if token := c.Tokens[u.Host]; token != "" && (u.Scheme == "https" || isLoopback(u.Hostname())) {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client().Do(r)
	if err != nil {
		return transport(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		err := fmt.Errorf("the server answered %s", resp.Status)
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
			return &passing{err}
		}
		return err
	}
	return use(&body{resp.Body})
}

// transport takes the address out of an error, which the caller names without its password, and tells what may pass.
func transport(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var network *net.OpError
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &passing{err}
	}
	return err
}

// body marks the breaks of a connection as passing.
type body struct{ r io.Reader }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &passing{err}
	}
	return n, err
}

// tries says how often something was tried, when it was more than once.
func tries(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d tries)", n)
}
