package registry_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
)

const password = "s3cr3t-pass"

// keychain knows one host.
type keychain struct{ host string }

func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != k.host {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: "me", Password: password}, nil
}

// guard asks for bearer tokens before a registry, and gives them out as a token server.
type guard struct {
	realm string
	next  http.Handler
	basic bool

	mu     sync.Mutex
	issued int
	valid  map[string]bool
	scopes []string
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/token") {
		g.token(w, r)
		return
	}
	if !g.knows(r) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s",service="reg",scope="repository:x:pull"`, g.realm))
		w.WriteHeader(401)
		return
	}
	g.next.ServeHTTP(w, r)
}

// knows says whether the request has a valid token.
func (g *guard) knows(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.valid[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
}

func (g *guard) token(w http.ResponseWriter, r *http.Request) {
	user, pass, _ := r.BasicAuth()
	if g.basic && (user != "me" || pass != password) {
		w.WriteHeader(401)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.issued++
	t := fmt.Sprintf("t%d", g.issued)
	if g.valid == nil {
		g.valid = map[string]bool{}
	}
	g.valid[t] = true
	g.scopes = append(g.scopes, r.URL.Query()["scope"]...)
	json.NewEncoder(w).Encode(map[string]any{"token": t, "expires_in": 300})
}

func (g *guard) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.valid = nil
}

// guarded puts a guard before the registry of a bench; the token server is at the realm's host.
func guarded(t *testing.T, b *bench, realm string, basic bool) *guard {
	t.Helper()
	g := &guard{realm: realm, next: b.faults, basic: basic}
	b.net.Hosts["https://reg.example"] = g
	if i := strings.Index(realm, "/token"); i > 0 {
		b.net.Hosts[realm[:i]] = g
	}
	return g
}

func TestTokenIsAskedForOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	b.seed(t, content(10))
	g := guarded(t, b, "https://auth.example/token", false)
	if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if g.issued != 1 || g.scopes[0] != "repository:a/b:pull" {
		t.Errorf("%d tokens for %q", g.issued, g.scopes)
	}
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"by the clock", "by the registry"} {
		b := newBench(t, registry.Options{})
		d, _ := b.seed(t, content(10))
		g := guarded(t, b, "https://auth.example/token", false)
		if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
			t.Fatal(err)
		}
		before := len(b.net.Log())
		if how == "by the clock" {
			b.clock.Advance(time.Hour)
		} else {
			g.expire()
		}
		if _, _, err := b.read(t, d, 0, 0); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if g.issued != 2 {
			t.Errorf("%s: %d tokens", how, g.issued)
		}
		if n := len(b.net.Log()) - before; n > 3 {
			t.Errorf("%s: %d requests", how, n)
		}
	}
}

// TestTokenExpiresUnderManyRequests lets the registry drop a token while many requests use it, again and again: each
// time all of them go on with one new token.
func TestTokenExpiresUnderManyRequests(t *testing.T) {
	t.Parallel()
	const rounds, requests = 500, 16
	b := newBench(t, registry.Options{})
	b.seed(t, content(10))
	g := guarded(t, b, "https://auth.example/token", false)
	for range rounds {
		g.expire()
		var all, sent sync.WaitGroup
		sent.Add(requests)
		b.net.Hosts["https://reg.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a := httptest.NewRecorder(); !g.knows(r) { // all of them are refused at the same moment
				g.ServeHTTP(a, r)
				sent.Done()
				sent.Wait()
				w.Header()["Www-Authenticate"] = a.Header()["Www-Authenticate"]
				w.WriteHeader(a.Code)
				return
			}
			g.ServeHTTP(w, r)
		})
		for range requests {
			all.Go(func() {
				if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if g.issued > rounds {
		t.Errorf("%d tokens for %d times that one was dropped", g.issued, rounds)
	}
}

// TestTokenServerThatFailsIsAskedOnceForAll has many requests that need the same token, and a token server that is out
// of order: it is not asked by each of them in turn.
func TestTokenServerThatFailsIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registry.Options{})
		guarded(t, b, "https://auth.example/token", false)
		asked := 0
		b.net.Hosts["https://auth.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			synctest.Wait() // until all the others wait too
			w.WriteHeader(403)
		})
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				_, err := b.client.Manifest(t.Context(), b.repo, "v1")
				if want := "reg.example/a/b: log in for get manifest v1: 403 Forbidden"; !errors.Is(err, registry.ErrDenied) || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if asked != 1 {
			t.Errorf("the token server was asked %d times", asked)
		}
	})
}

// TestTokenFetchThatIsGivenUp cancels the request that asks for a token while another waits for it: the other asks itself.
func TestTokenFetchThatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registry.Options{})
		b.seed(t, content(10))
		g := guarded(t, b, "https://auth.example/token", false)
		first, cancel := context.WithCancel(t.Context())
		asked, both := 0, make(chan struct{})
		b.net.Hosts["https://auth.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked == 1 {
				<-both
				panic(http.ErrAbortHandler)
			}
			g.ServeHTTP(w, r)
		})
		go b.client.Manifest(first, b.repo, "v1")
		synctest.Wait()
		go func() {
			synctest.Wait() // until the second waits for the token of the first
			cancel()
			close(both)
		}()
		if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil || asked != 2 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
}

func TestTokenThatIsNeverAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	g := guarded(t, b, "https://auth.example/token", false)
	b.net.Hosts["https://reg.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://auth.example/token"`)
		w.WriteHeader(401)
	})
	_, err := b.client.Manifest(t.Context(), b.repo, "v1")
	if !errors.Is(err, registry.ErrUnauthorized) || g.issued > 2 {
		t.Errorf("%d tokens, %v", g.issued, err)
	}
	want := "reg.example/a/b: get manifest v1: 401 Unauthorized: the repository is private or does not exist; check the name or log in to reg.example"
	if err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
}

func TestWrongPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Keychain: keychain{"reg.example"}})
	g := guarded(t, b, "https://auth.example/token", true)
	g.basic = true
	b.net.Hosts["https://auth.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	_, err := b.client.Manifest(t.Context(), b.repo, "v1")
	if !errors.Is(err, registry.ErrUnauthorized) || !strings.Contains(err.Error(), "the user name or password is wrong") {
		t.Errorf("got %v", err)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("me:" + password))
	if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), encoded) {
		t.Errorf("the error shows the password: %v", err)
	}
}

// sent lists "host authorization" of every request that carried one.
func sent(b *bench) []string {
	var out []string
	for _, x := range b.net.Log() {
		if x.Authorization != "" {
			kind, _, _ := strings.Cut(x.Authorization, " ")
			out = append(out, x.Host+" "+kind)
		}
	}
	return out
}

func TestRealmElsewhere(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		realm string
		want  []string
		err   error
	}{
		"https":           {"https://auth.example/token", []string{"auth.example Basic", "reg.example Bearer"}, nil},
		"plain http":      {"http://auth.example/token", nil, registry.ErrUnsafe},
		"same host http":  {"http://reg.example/token", nil, registry.ErrUnsafe},
		"loopback":        {"https://127.0.0.1/token", nil, registry.ErrUnsafe},
		"metadata server": {"https://169.254.169.254/token", nil, registry.ErrUnsafe},
		"file":            {"file:///etc/passwd", nil, registry.ErrUnsafe},
		"nothing":         {"", nil, registry.ErrUnsafe},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{Keychain: keychain{"reg.example"}})
			b.seed(t, content(10))
			guarded(t, b, c.realm, true)
			_, err := b.client.Manifest(t.Context(), b.repo, "v1")
			if !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			if got := sent(b); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("credentials went to %q, want %q", got, c.want)
			}
		})
	}
}

func TestBasic(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Keychain: keychain{"reg.example"}})
	b.seed(t, content(10))
	b.net.Hosts["https://reg.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pass, _ := r.BasicAuth(); pass != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
			return
		}
		b.faults.ServeHTTP(w, r)
	})
	for range 2 {
		if _, err := b.client.Manifest(t.Context(), b.repo, "v1"); err != nil {
			t.Fatal(err)
		}
	}
	if got := sent(b); len(got) != 2 || len(b.net.Log())-len(got) > 5 {
		t.Errorf("%q", got)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		to  string
		err error
	}{
		"storage":         {"https://storage.example/blob?signature=abc", nil},
		"same host":       {"https://reg.example/elsewhere", nil},
		"plain http":      {"http://storage.example/blob", registry.ErrUnsafe},
		"loopback":        {"https://127.0.0.1/blob", registry.ErrUnsafe},
		"localhost":       {"https://localhost:8080/blob", registry.ErrUnsafe},
		"private":         {"https://10.1.2.3/blob", registry.ErrUnsafe},
		"metadata":        {"https://169.254.169.254/latest", registry.ErrUnsafe},
		"mapped loopback": {"https://[::ffff:127.0.0.1]/blob", registry.ErrUnsafe},
		"nat64":           {"https://[64:ff9b::7f00:1]/blob", registry.ErrUnsafe},
		"unique local":    {"https://[fd00::1]/blob", registry.ErrUnsafe},
		"file":            {"file:///etc/passwd", registry.ErrUnsafe},
		"nowhere":         {"", registry.ErrUnsafe},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, registry.Options{Keychain: keychain{"reg.example"}})
			blob := content(100)
			d, _ := b.seed(t, blob)
			guarded(t, b, "https://auth.example/token", true)
			b.net.Hosts["https://storage.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(blob) })
			b.faults.On("GET", "elsewhere", registrytest.Bytes(blob))
			b.faults.On("GET", "blobs/", registrytest.Status(307, "Location", c.to))
			_, _, err := b.read(t, d, 0, 0)
			if !errors.Is(err, c.err) {
				// a redirect within the registry goes without credentials too, so this registry says 401
				if name != "same host" || !errors.Is(err, registry.ErrUnauthorized) {
					t.Errorf("got %v, want %v", err, c.err)
				}
			}
			for _, x := range b.net.Log() {
				follows := strings.Contains(x.URL, "storage.example") || strings.Contains(x.URL, "elsewhere")
				if follows && x.Authorization != "" {
					t.Errorf("credentials followed to %s", x.URL)
				}
				if c.err != nil && c.to != "" && x.URL == c.to {
					t.Errorf("%s was asked", x.URL)
				}
			}
		})
	}
}

func TestRedirectLoop(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	d, _ := b.seed(t, content(10))
	n := 0
	b.net.Hosts["https://loop.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		http.Redirect(w, r, "https://loop.example/again", http.StatusFound)
	})
	b.faults.On("GET", "blobs/", registrytest.Status(302, "Location", "https://loop.example/"))
	if _, _, err := b.read(t, d, 0, 0); !errors.Is(err, registry.ErrLimit) || n > 6 {
		t.Errorf("%d hops, %v", n, err)
	}
}

func TestSignedURLIsNotShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	d, _ := b.seed(t, content(10))
	b.faults.On("GET", "blobs/", registrytest.Times(9, registrytest.Status(307, "Location", "https://gone.example/b?signature="+password))...)
	if _, _, err := b.read(t, d, 0, 0); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("got %v", err)
	}
}

func TestDockerHub(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{Keychain: keychain{"index.docker.io"}})
	_, m := b.seed(t, content(10))
	g := guarded(t, b, "https://auth.docker.io/token", true)
	b.net.Hosts["https://registry-1.docker.io"] = g
	b.repo.Host = "docker.io"
	got, err := b.client.Manifest(t.Context(), b.repo, "v1")
	if err != nil || string(got.Bytes) != string(m) {
		t.Fatal(err)
	}
}
