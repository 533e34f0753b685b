// Package registry is an OCI distribution client made for moving many bytes fast: HTTP/1.1 over many connections for
// blobs, limits per host that adapt to what the host can take, retries that are counted, and credentials that go only
// where they belong.
//
// # Credentials
//
// An Authorization header is sent to the registry itself, and only after it asked. The token server that the
// registry names gets the user name and password over https alone; over plain http only when it is the registry
// itself, reached over plain http, or when both are on the loopback. A redirect never carries an Authorization header,
// never leads from https to http, and leads from a public registry to no private, loopback or link-local address. An
// upload location on another host gets no Authorization header either.
package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

const (
	// startBulk and maxBulk are the connections to one host for blobs, startSmall and maxSmall those for everything else.
	startBulk, maxBulk   = 8, 32
	startSmall, maxSmall = 16, 64
	// maxAttempts is how often one request is tried, retryBudget how many retries all requests of a client have together.
	maxAttempts = 6
	retryBudget = 1000
)

// Options says how registries are reached. The zero value is anonymous, with the system's certificates and the proxy
// of the environment.
type Options struct {
	// Keychain gives credentials; nil means anonymous.
	Keychain authn.Keychain
	// PlainHTTP lists hosts that are spoken to without TLS. Loopback hosts need not be listed.
	PlainHTTP []string
	// CAFile is a file of PEM certificates that are trusted beside the system's.
	CAFile string
	// Transport takes the place of the client's own connections, for tests.
	Transport http.RoundTripper
	// Clock is the wall clock when nil.
	Clock Clock
	// UserAgent is sent with every request.
	UserAgent string
	// Jobs is the most connections to one host; 0 lets each host's limit find itself up to 32.
	Jobs int
	// Retries bounds the retries of all requests together; 0 is 1000.
	Retries int
	// Warn is told, once for each host, that its rate limit is nearly used up.
	Warn func(format string, args ...any)
}

// Client talks to registries. It may be used by many goroutines.
type Client struct {
	options Options
	clock   Clock
	budget  atomic.Int64
	// api may use HTTP/2, bulk never does: one HTTP/2 connection is one congestion window and one rate limit for all
	// blobs together. guarded is bulk that connects to public addresses only.
	api, bulk, guarded http.RoundTripper

	mu    sync.Mutex
	hosts map[string]*host
}

// New makes a client.
func New(o Options) (*Client, error) {
	c := &Client{options: o, clock: o.Clock, hosts: map[string]*host{}}
	if c.clock == nil {
		c.clock = WallClock{}
	}
	if c.options.UserAgent == "" {
		c.options.UserAgent = "cluster-image"
	}
	c.budget.Store(int64(o.Retries))
	if o.Retries == 0 {
		c.budget.Store(retryBudget)
	}
	if o.Transport != nil {
		c.api, c.bulk, c.guarded = o.Transport, o.Transport, o.Transport
		return c, nil
	}
	roots, err := certificates(o.CAFile)
	if err != nil {
		return nil, err
	}
	c.api, c.bulk, c.guarded = newTransport(roots, true, nil), newTransport(roots, false, nil), newTransport(roots, false, publicOnly)
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() {
	for _, t := range []http.RoundTripper{c.api, c.bulk, c.guarded} {
		if t, ok := t.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
}

// ErrCertificates says that the file of Options.CAFile cannot be read, or holds no certificate.
var ErrCertificates = errors.New("read certificates for --ca")

func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificates, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: %s holds no PEM certificate", ErrCertificates, file)
	}
	return pool, nil
}

func newTransport(roots *x509.CertPool, h2 bool, control controlFunc) *http.Transport {
	dialer := &net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second, Control: control}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialing(dialer.DialContext),
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   20 * time.Second,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   2 * maxSmall,
		IdleConnTimeout:       90 * time.Second,
		ReadBufferSize:        16 << 10, // large reads go past this buffer
		WriteBufferSize:       64 << 10,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     h2,
	}
	if !h2 {
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return t
}

// host is what the client knows about one registry.
type host struct {
	// name is how references spell it, address where it is reached.
	name, address string
	bulk, small   *limiter
	// answered says that HTTP was spoken with it, private that its address is none of the public internet's.
	answered, private, warned atomic.Bool

	mu        sync.Mutex
	scheme    string
	challenge *challenge
	tokens    map[string]*token
	logins    map[string]*login
}

func (c *Client) host(name string) *host {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.hosts[name]; ok {
		return h
	}
	h := &host{name: name, address: name, scheme: c.scheme(name), tokens: map[string]*token{}, logins: map[string]*login{}}
	if name == "docker.io" {
		h.address = "registry-1.docker.io"
	}
	bulk, small := maxBulk, maxSmall
	if c.options.Jobs > 0 {
		bulk, small = c.options.Jobs, c.options.Jobs
	}
	h.bulk, h.small = newLimiter(c.clock, startBulk, bulk), newLimiter(c.clock, startSmall, small)
	h.private.Store(privateName(name))
	c.hosts[name] = h
	return h
}

// scheme is plain http where that was asked for and, to begin with, on the loopback: there a server that wants TLS
// says so, and is then spoken to with it. Nothing secret is sent before.
func (c *Client) scheme(name string) string {
	if slices.Contains(c.options.PlainHTTP, name) || loopbackName(name) {
		return "http"
	}
	return "https"
}

func (h *host) getScheme() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.scheme
}

func (h *host) setScheme(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scheme = s
}

// Answered says whether the host has answered anything at all, be it with an error: it exists and speaks HTTP.
func (c *Client) Answered(name string) bool { return c.host(name).answered.Load() }

// errNoBudget ends a run that only retries.
var errNoBudget = errors.New("the retries of this run are used up")
