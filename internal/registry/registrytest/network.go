package registrytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// ErrReset is what a request gets whose handler gave up before its first byte.
var ErrReset = errors.New("connection reset by peer")

// Exchange is one HTTP request that was sent.
type Exchange struct {
	Method, URL, Host    string
	Authorization, Range string
	Status               int
}

// Network is a transport whose hosts are handlers, by scheme and host: https://registry.example. A handler that
// panics with http.ErrAbortHandler breaks the connection after what it wrote, as one behind a real server does.
type Network struct {
	Hosts map[string]http.Handler

	mu  sync.Mutex
	log []Exchange
}

// RoundTrip serves the request and notes it.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	x := Exchange{
		Method: r.Method, URL: r.URL.String(), Host: r.URL.Host,
		Authorization: r.Header.Get("Authorization"), Range: r.Header.Get("Range"),
	}
	h, ok := n.Hosts[r.URL.Scheme+"://"+r.URL.Host]
	if !ok {
		n.note(x)
		return nil, fmt.Errorf("dial %s: no such host", r.URL.Host)
	}
	resp, err := serve(h, r)
	if resp != nil {
		x.Status = resp.StatusCode
	}
	n.note(x)
	return resp, err
}

func (n *Network) note(x Exchange) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, x)
}

// Log lists all requests so far.
func (n *Network) Log() []Exchange {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Exchange(nil), n.log...)
}

func serve(h http.Handler, r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		} else if v != nil {
			resp, err = broken(w, r)
		}
	}()
	h.ServeHTTP(w, in)
	return finished(w, r), nil
}

func finished(w *httptest.ResponseRecorder, r *http.Request) *http.Response {
	resp := w.Result()
	resp.Request = r
	return resp
}

// broken is what came before the connection broke.
func broken(w *httptest.ResponseRecorder, r *http.Request) (*http.Response, error) {
	if w.Body.Len() == 0 && !w.Flushed {
		return nil, ErrReset
	}
	b := bytes.Clone(w.Body.Bytes())
	resp := finished(w, r)
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b), failing{}))
	return resp, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
