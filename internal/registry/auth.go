package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

const (
	// tokenLife is how long a token holds that does not say so; the token specification of distribution wants 60 s.
	tokenLife = time.Minute
	// tokenLimit bounds the answer of a token server.
	tokenLimit             = 1 << 20
	pullAccess, pushAccess = "pull", "pull,push"
)

// token is a bearer token for one set of scopes. Its host's lock guards it.
type token struct {
	value   string
	expires time.Time
	// fetch is under way when it is not nil.
	fetch *tokenFetch
}

// tokenFetch is one question to a token server, whose answer all wait for that need it.
type tokenFetch struct {
	done  chan struct{}
	value string
	err   error
	// abandoned says that the one who asked went away, which says nothing about the answer.
	abandoned bool
}

// login is what the keychain says for one repository, asked once.
type login struct {
	once   sync.Once
	config authn.AuthConfig
	err    error
}

// resource is a repository as keychains know it: Docker Hub is index.docker.io to them.
type resource struct{ host, path string }

func (r resource) RegistryStr() string {
	if r.host == "docker.io" {
		return "index.docker.io"
	}
	return r.host
}
func (r resource) String() string { return r.RegistryStr() + "/" + r.path }

func (c *Client) login(ctx context.Context, h *host, path string) (authn.AuthConfig, error) {
	if c.options.Keychain == nil {
		return authn.AuthConfig{}, nil
	}
	h.mu.Lock()
	l, ok := h.logins[path]
	if !ok {
		l = &login{}
		h.logins[path] = l
	}
	h.mu.Unlock()
	l.once.Do(func() { l.config, l.err = c.askKeychain(ctx, resource{h.name, path}) })
	return l.config, l.err
}

func (c *Client) askKeychain(ctx context.Context, r resource) (authn.AuthConfig, error) {
	a, err := authn.Resolve(ctx, c.options.Keychain, r)
	if err != nil {
		return authn.AuthConfig{}, fmt.Errorf("read credentials for %s: %w", r.host, err)
	}
	config, err := authn.Authorization(ctx, a)
	if err != nil || config == nil {
		return authn.AuthConfig{}, err
	}
	return *config, nil
}

// basic is the credentials for HTTP basic authentication, empty when there are none.
func basic(a authn.AuthConfig) string {
	switch {
	case a.Username != "" || a.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Username+":"+a.Password))
	case a.Auth != "":
		return "Basic " + a.Auth
	}
	return ""
}

// grant is an Authorization header and where it came from, so that a refused one can be dropped.
type grant struct {
	header string
	key    string
	// challenged says that the registry had asked before.
	challenged bool
}

// authorize gives the header for a request, or none as long as the registry has not asked for one.
func (c *Client) authorize(ctx context.Context, q *request) (grant, error) {
	h := q.host
	h.mu.Lock()
	ch := h.challenge
	h.mu.Unlock()
	if ch == nil {
		return grant{}, nil
	}
	a, err := c.login(ctx, h, q.path)
	if err != nil {
		return grant{}, err
	}
	if ch.scheme == "basic" {
		return grant{header: basic(a), challenged: true}, nil
	}
	if a.RegistryToken != "" {
		return grant{header: "Bearer " + a.RegistryToken, challenged: true}, nil
	}
	return c.bearer(ctx, q, ch, a)
}

// bearer gives a token for the scopes of the request, from memory while it holds.
func (c *Client) bearer(ctx context.Context, q *request, ch *challenge, a authn.AuthConfig) (grant, error) {
	scopes := q.scopes()
	key := strings.Join(scopes, " ")
	for {
		value, f, mine := q.host.token(key, c.clock.Now())
		if mine {
			c.fetchFor(ctx, f, q, ch, a, scopes)
		}
		if f != nil {
			select {
			case <-f.done:
			case <-ctx.Done():
				return grant{}, context.Cause(ctx)
			}
			if f.abandoned && ctx.Err() == nil {
				continue
			}
			if f.err != nil {
				return grant{}, q.loginError(f.err)
			}
			value = f.value
		}
		return grant{header: "Bearer " + value, key: key, challenged: true}, nil
	}
}

// token gives the token for the scopes, or the fetch that will bring it; mine says that the caller has to do it.
func (h *host) token(key string, now time.Time) (value string, f *tokenFetch, mine bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.tokens[key]
	if !ok {
		t = &token{}
		h.tokens[key] = t
	}
	switch {
	case t.fetch != nil:
		return "", t.fetch, false
	case t.value != "" && now.Before(t.expires):
		return t.value, nil, false
	}
	t.fetch = &tokenFetch{done: make(chan struct{})}
	return "", t.fetch, true
}

// fetchFor asks the token server and lets those who wait go on.
func (c *Client) fetchFor(ctx context.Context, f *tokenFetch, q *request, ch *challenge, a authn.AuthConfig, scopes []string) {
	value, life, err := c.fetchToken(ctx, q, ch, a, scopes)
	f.value, f.err, f.abandoned = value, err, err != nil && ctx.Err() != nil
	q.host.mu.Lock()
	t := q.host.tokens[strings.Join(scopes, " ")]
	t.fetch, t.value, t.expires = nil, value, c.clock.Now().Add(life)
	q.host.mu.Unlock()
	close(f.done)
}

// loginError is the error of a token fetch for this request, one of several that waited for it.
func (q *request) loginError(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	mine := *e
	mine.What = "log in for " + q.what
	return &mine
}

// refuse drops what the registry did not accept, and learns what it wants. It says whether another try makes sense.
func (c *Client) refuse(q *request, g grant, header http.Header) bool {
	ch := parseChallenges(header)
	h := q.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if ch != nil {
		h.challenge = ch
	}
	if t := h.tokens[g.key]; t != nil && g.key != "" {
		if "Bearer "+t.value == g.header {
			t.value = ""
		}
		return true
	}
	return ch != nil && !g.challenged
}

// scopes are what the request may need: its repository, and the one that a blob is mounted from.
func (q *request) scopes() []string {
	access := q.access
	if access == "" {
		access = pullAccess
	}
	s := []string{"repository:" + q.path + ":" + access}
	if q.from != "" && q.from != q.path {
		s = append(s, "repository:"+q.from+":"+pullAccess)
	}
	slices.Sort(s)
	return s
}

// tokenBody is the answer of a token server.
type tokenBody struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
}

// fetchToken asks the token server that the registry named. How long the token holds is counted from here and now, so
// that the clocks of two machines need not agree.
func (c *Client) fetchToken(ctx context.Context, q *request, ch *challenge, a authn.AuthConfig, scopes []string) (string, time.Duration, error) {
	req, err := c.tokenRequest(ctx, q.host, ch, a, scopes)
	if err != nil {
		return "", 0, c.tokenError(q, 0, err)
	}
	resp, err := c.sendToken(req, q.host)
	if err != nil {
		return "", 0, c.tokenError(q, 0, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", 0, c.tokenRefused(q, resp, a)
	}
	var body tokenBody
	if err := json.NewDecoder(io.LimitReader(resp.Body, tokenLimit)).Decode(&body); err != nil {
		return "", 0, c.tokenError(q, 0, fmt.Errorf("read token: %w", err))
	}
	if body.Token == "" {
		body.Token = body.AccessToken
	}
	if body.Token == "" {
		return "", 0, c.tokenError(q, 0, errors.New("the token server sent no token"))
	}
	life := time.Duration(body.ExpiresIn) * time.Second
	if body.ExpiresIn <= 0 || body.ExpiresIn > 30*24*3600 {
		life = tokenLife
	}
	return body.Token, life - life/10, nil
}

func (c *Client) tokenError(q *request, status int, err error) error {
	return &Error{Host: q.host.name, Repository: q.path, What: "log in for " + q.what, Status: status, Err: err}
}

func (c *Client) tokenRefused(q *request, resp *http.Response, a authn.AuthConfig) error {
	e := &Error{Host: q.host.name, Repository: q.path, What: "log in for " + q.what, Status: resp.StatusCode}
	e.Code, e.Message = explain(resp.Body)
	if e.Status == http.StatusUnauthorized && basic(a) != "" {
		e.Message = "the user name or password is wrong"
	}
	e.after = retryAfter(resp.Header, c.clock.Now())
	return e
}

// tokenRequest makes the request of the token specification: GET with basic authentication, or POST for an identity
// token.
func (c *Client) tokenRequest(ctx context.Context, h *host, ch *challenge, a authn.AuthConfig, scopes []string) (*http.Request, error) {
	realm, err := url.Parse(ch.params["realm"])
	if err != nil || realm.Host == "" {
		return nil, fmt.Errorf("%w: the registry names the token server %q", ErrUnsafe, printable(ch.params["realm"]))
	}
	if err := mayLogin(h, realm); err != nil {
		return nil, err
	}
	if a.IdentityToken != "" {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.IdentityToken}, "client_id": {c.options.UserAgent},
			"service": {ch.params["service"]}, "scope": {strings.Join(scopes, " ")}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
	query := realm.Query()
	if s := ch.params["service"]; s != "" {
		query.Set("service", s)
	}
	query["scope"] = scopes
	realm.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err == nil && basic(a) != "" {
		req.Header.Set("Authorization", basic(a))
	}
	return req, err
}

// mayLogin says whether the token server may be spoken to. See the package comment.
func mayLogin(h *host, realm *url.URL) error {
	registry := &url.URL{Scheme: h.getScheme(), Host: h.address}
	plain := realm.Scheme == "http" && registry.Scheme == "http" &&
		(realm.Host == registry.Host || loopbackName(realm.Host) && loopbackName(registry.Host))
	if realm.Scheme != "https" && !plain {
		return fmt.Errorf("%w: the registry names the token server %s://%s, where credentials could be read on the way", ErrUnsafe, realm.Scheme, realm.Host)
	}
	return mayFollow(registry, realm, h.private.Load())
}
