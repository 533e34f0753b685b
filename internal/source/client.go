package source

import (
	"cmp"
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

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
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
	// Mirrors say where addresses that begin with a prefix are fetched instead.
	Mirrors Mirrors
	// Registry fetches charts that are in a registry; nil refuses them. ImageMirrors are where their bytes are.
	Registry     *registry.Client
	ImageMirrors reference.Mirrors
	// Cache keeps what was downloaded, by its checksum; nil keeps nothing.
	Cache Cache
	// Timeout bounds a small download as a whole, such as that of an index: ten minutes when zero. A file may take six times as long.
	Timeout time.Duration
	// Wait waits between two attempts; nil waits for real.
	Wait func(ctx context.Context, d time.Duration) error

	flights flights
}

// Cache keeps files by their SHA-256 in hexadecimal.
type Cache interface {
	// Open gives a file, checked while it is read; an error when it is not there.
	Open(sum string) (io.ReadCloser, error)
	// Keep takes in a file whose checksum and size are known.
	Keep(sum string, size int64, file io.Reader) error
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
	return c.within(ctx, c.limit(), address, use)
}

// limit is how long a small download may take.
func (c *Client) limit() time.Duration { return cmp.Or(c.Timeout, defaultTimeout) }

// address is where an address is really fetched, once it is allowed.
func (c *Client) address(text string) (*url.URL, error) {
	u, err := url.Parse(c.Mirrors.Apply(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no address", ErrSource, text)
	}
	return u, c.check(u)
}

func (c *Client) within(ctx context.Context, limit time.Duration, address string, use func(body io.Reader) error) error {
	u, err := c.address(address)
	if err != nil {
		return err
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
	r.Header.Set("Accept-Encoding", "identity") // the checksum is that of the file as it is
	if token := c.Tokens[u.Host]; token != "" && (u.Scheme == "https" || isLoopback(u.Hostname())) {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client().Do(r)
	if err != nil {
		return transportError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	return use(&body{resp.Body})
}

// ErrMissing means that the server has no such file.
var ErrMissing = errors.New("the server has no such file")

// refused is the error for an answer that is none.
func refused(resp *http.Response) error {
	err := fmt.Errorf("the server answered %s", resp.Status)
	switch {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return &passing{err}
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return &missingError{err}
	}
	return err
}

// missingError is an [ErrMissing] in the server's words.
type missingError struct{ error }

// Is makes it an [ErrMissing].
func (missingError) Is(target error) bool { return target == ErrMissing }

// transportError takes the address out of an error, which the caller names without its password, and tells what may pass.
func transportError(err error) error {
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
