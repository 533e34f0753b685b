package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxRedirects is how often one answer may lead elsewhere.
const maxRedirects = 5

// request is one thing asked of a registry, which may take several HTTP requests.
type request struct {
	host *host
	// path is the repository, from the one a blob is mounted from.
	path, from string
	// what is for errors: get manifest 1.2.
	what   string
	method string
	// url is what comes after /v2/<path>/, or, when it has a scheme or begins with a slash, a whole location.
	url    string
	header http.Header
	// body opens the content of an upload, which has size bytes.
	body func() (io.ReadCloser, error)
	size int64
	// access is what a token must allow.
	access string
	// accept are the statuses that are an answer; all others are errors.
	accept []int
	// bulk uses the connections for blobs; leased means that the caller has a turn at the host.
	bulk, leased bool
}

// send tries until there is an answer that was asked for or an error that stays one.
func (c *Client) send(ctx context.Context, q *request) (*response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := c.once(ctx, q)
		if err == nil {
			return resp, nil
		}
		if err = c.again(ctx, q, attempt, err); err != nil {
			return nil, err
		}
	}
}

// once is one try: with a turn at the host, with what the registry wants to see, and once more when that has expired.
func (c *Client) once(ctx context.Context, q *request) (*response, error) {
	l := q.host.small
	if q.bulk {
		l = q.host.bulk
	}
	release := func() {}
	if !q.leased {
		if err := l.acquire(ctx); err != nil {
			return nil, err
		}
		release = l.release
	}
	resp, err := c.authorized(ctx, q)
	if err != nil {
		release()
		return nil, err
	}
	resp.release, resp.moved = release, l.moved
	if !q.bulk {
		l.moved(1)
		resp.moved = nil
	}
	c.watchRateLimit(q.host, resp.Header)
	if !slices.Contains(q.accept, resp.StatusCode) {
		return nil, c.failed(q, resp)
	}
	return resp, nil
}

// failed makes an error of an answer that was not asked for.
func (c *Client) failed(q *request, resp *response) error {
	defer resp.Close()
	e := q.error(nil)
	e.Status, e.after = resp.StatusCode, retryAfter(resp.Header, c.clock.Now())
	e.Code, e.Message = explain(resp.Body)
	if e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable {
		for _, l := range []*limiter{q.host.bulk, q.host.small} {
			l.tooMuch(e.after)
		}
	}
	return e
}

func (q *request) error(err error) *Error {
	return &Error{Host: q.host.name, Repository: q.path, What: q.what, Err: err}
}

// authorized sends with the current credentials, and again with new ones after a 401 that asks for them.
func (c *Client) authorized(ctx context.Context, q *request) (*response, error) {
	for tries := 0; ; tries++ {
		g, err := c.authorize(ctx, q)
		if err != nil {
			return nil, err
		}
		resp, err := c.exchange(ctx, q, g.header)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusUnauthorized || resp.redirected || tries == 2 || !c.refuse(q, g, resp.Header) {
			return resp, nil
		}
		resp.drain()
	}
}

// exchange sends one HTTP request and follows where a read is led.
func (c *Client) exchange(ctx context.Context, q *request, authorization string) (*response, error) {
	for tries := 0; ; tries++ {
		target, err := q.target()
		if err != nil {
			return nil, q.error(err)
		}
		resp, err := c.hop(ctx, q, target, authorization)
		if tries == 0 && c.wantsTLS(ctx, q, target, resp, err) {
			if resp != nil {
				resp.Close()
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		q.host.answered.Store(true)
		return c.follow(ctx, q, target, resp)
	}
}

// target is the whole address.
func (q *request) target() (*url.URL, error) {
	base := &url.URL{Scheme: q.host.getScheme(), Host: q.host.address, Path: "/v2/" + q.path + "/"}
	ref, err := url.Parse(q.url)
	if err != nil {
		return nil, fmt.Errorf("%w: location %q", ErrUnsafe, printable(q.url))
	}
	if !ref.IsAbs() && !strings.HasPrefix(q.url, "/") && !strings.HasPrefix(q.url, "?") {
		base.Path += ref.Path
		base.RawQuery = ref.RawQuery
		return base, nil
	}
	return base.ResolveReference(ref), nil
}

// hop sends one HTTP request.
func (c *Client) hop(ctx context.Context, q *request, target *url.URL, authorization string) (*response, error) {
	ctx, w := c.watch(ctx)
	req, err := http.NewRequestWithContext(ctx, q.method, target.String(), nil)
	if err != nil {
		w.stop()
		return nil, q.error(err)
	}
	for k, v := range q.header {
		req.Header[k] = v
	}
	req.Header.Set("Accept-Encoding", "identity") // a digest is that of the bytes as they are
	req.Header.Set("User-Agent", c.options.UserAgent)
	if authorization != "" && sameOrigin(target, q.host) {
		req.Header.Set("Authorization", authorization)
	}
	sent, err := q.attach(req, w)
	if err != nil {
		w.stop()
		return nil, err
	}
	c.trace(req, q.host)
	resp, err := c.transport(q, target).RoundTrip(req)
	if err != nil {
		err = w.cause(err)
		w.stop()
		sent.end()
		return nil, q.error(err)
	}
	return &response{Response: resp, watch: w, sent: sent}, nil
}

// attach opens the body of an upload anew for this try.
func (q *request) attach(req *http.Request, w *watchdog) (*watchedBody, error) {
	if q.body == nil {
		return nil, nil
	}
	b, err := q.body()
	if err != nil {
		return nil, &fatal{err}
	}
	if q.size == 0 {
		req.Body = http.NoBody
		return nil, b.Close()
	}
	w.allow(uploadPatience)
	sent := &watchedBody{content: b, watch: w}
	req.ContentLength, req.Body = q.size, sent
	return sent, nil
}

func sameOrigin(u *url.URL, h *host) bool { return u.Host == h.address && u.Scheme == h.getScheme() }

// transport picks the connections. Without TLS all share those for blobs: there is no HTTP/2 to be had.
func (c *Client) transport(q *request, target *url.URL) http.RoundTripper {
	if !sameOrigin(target, q.host) && !q.host.private.Load() && !proxied(target) {
		return c.guarded
	}
	if q.bulk || target.Scheme == "http" {
		return c.bulk
	}
	return c.api
}

func proxied(u *url.URL) bool {
	p, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	return p != nil || err != nil
}

// trace learns from the connection whether the registry is on a private address.
func (c *Client) trace(req *http.Request, h *host) {
	if h.private.Load() || h.answered.Load() || c.options.Transport != nil || !sameOrigin(req.URL, h) || proxied(req.URL) {
		return
	}
	*req = *req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if a, ok := info.Conn.RemoteAddr().(*net.TCPAddr); ok {
			if ip, ok := netip.AddrFromSlice(a.IP); ok && !public(ip) {
				h.private.Store(true)
			}
		}
	}}))
}

// wantsTLS says whether a loopback host that was tried without TLS wants it, and remembers so.
func (c *Client) wantsTLS(ctx context.Context, q *request, target *url.URL, resp *response, err error) bool {
	h := q.host
	if target.Scheme != "http" || !sameOrigin(target, h) || h.answered.Load() || slices.Contains(c.options.PlainHTTP, h.name) {
		return false
	}
	tls := err != nil && strings.Contains(err.Error(), "malformed HTTP response")
	if resp != nil && resp.StatusCode == http.StatusBadRequest {
		said := c.complaint(ctx, q, target, resp)
		tls = strings.Contains(said, "HTTP request to an HTTPS server") || strings.Contains(said, "sent to HTTPS port")
	}
	if tls {
		h.setScheme("https")
	}
	return tls
}

// complaint is what a server says that finds a request bad. To a HEAD it says nothing, so it is asked again.
func (c *Client) complaint(ctx context.Context, q *request, target *url.URL, resp *response) string {
	if q.method != http.MethodHead {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		resp.Body = io.NopCloser(strings.NewReader(string(b)))
		return string(b)
	}
	get := *q
	get.method = http.MethodGet
	again, err := c.hop(ctx, &get, target, "")
	if err != nil {
		return ""
	}
	defer again.Close()
	b, _ := io.ReadAll(io.LimitReader(again.Body, 4<<10))
	return string(b)
}

// sendToken asks a token server. Where it leads elsewhere, the credentials do not follow.
func (c *Client) sendToken(req *http.Request, h *host) (*http.Response, error) {
	ctx, w := c.watch(req.Context())
	req = req.WithContext(ctx)
	req.Header.Set("User-Agent", c.options.UserAgent)
	q := &request{host: h}
	resp, err := c.transport(q, req.URL).RoundTrip(req)
	if err != nil {
		err = w.cause(err)
		w.stop()
		return nil, err
	}
	if redirects(resp.StatusCode) {
		resp.Body.Close()
		w.stop()
		return nil, fmt.Errorf("%w: the token server %s redirects", ErrUnsafe, req.URL.Host)
	}
	resp.Body = &stoppingBody{resp.Body, w.stop}
	return resp, nil
}

type stoppingBody struct {
	io.ReadCloser
	stop func()
}

func (b *stoppingBody) Close() error {
	defer b.stop()
	return b.ReadCloser.Close()
}

// fatal is an error of our own side, which no retry mends.
type fatal struct{ err error }

func (f *fatal) Error() string { return f.err.Error() }
func (f *fatal) Unwrap() error { return f.err }

func isFatal(err error) bool {
	var f *fatal
	return errors.As(err, &f)
}
