package registrytest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// Fault answers a request in place of the registry, which it may ask.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Faults is a handler before a registry. Each request takes the next fault of the first rule that matches and has one
// left; a request without a fault reaches the registry.
type Faults struct {
	Next http.Handler

	mu    sync.Mutex
	rules []*rule
	log   []Exchange
}

type rule struct {
	method, part string
	faults       []Fault
}

// On adds faults for requests of the method whose path and query contain the part.
func (f *Faults) On(method, part string, faults ...Fault) *Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{method, part, faults})
	return f
}

// ServeHTTP answers.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := f.take(r); fault != nil {
		fault(w, r, f.Next)
		return
	}
	f.Next.ServeHTTP(w, r)
}

func (f *Faults) take(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, Exchange{Method: r.Method, URL: r.URL.RequestURI(), Host: r.Host,
		Authorization: r.Header.Get("Authorization"), Range: r.Header.Get("Range")})
	for _, rule := range f.rules {
		if rule.method == r.Method && strings.Contains(r.URL.RequestURI(), rule.part) && len(rule.faults) > 0 {
			fault := rule.faults[0]
			rule.faults = rule.faults[1:]
			return fault
		}
	}
	return nil
}

// Log lists the requests of the method whose path and query contain the part.
func (f *Faults) Log(method, part string) []Exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Exchange
	for _, x := range f.log {
		if x.Method == method && strings.Contains(x.URL, part) {
			out = append(out, x)
		}
	}
	return out
}

// Times repeats a fault.
func Times(n int, f Fault) []Fault {
	out := make([]Fault, n)
	for i := range out {
		out[i] = f
	}
	return out
}

// Status answers with a status and headers, given as name, value, name, value.
func Status(code int, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// Bytes answers 200 with other content.
func Bytes(b []byte, headers ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		Status(http.StatusOK, headers...)(w, r, next)
		w.Write(b)
	}
}

// answer is what the registry says.
func answer(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	next.ServeHTTP(w, r)
	return w
}

func copyHead(w http.ResponseWriter, from *httptest.ResponseRecorder) {
	for k, v := range from.Header() {
		w.Header()[k] = v
	}
	if w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(from.Body.Len()))
	}
	w.WriteHeader(from.Code)
}

// Break sends the registry's answer up to n bytes of its body, from the end when n is negative, and breaks the
// connection.
func Break(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := answer(r, next)
		if n < 0 {
			n += a.Body.Len()
		}
		copyHead(w, a)
		w.Write(a.Body.Bytes()[:min(n, a.Body.Len())])
		if f, ok := w.(http.Flusher); ok && n > 0 {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// Change sends the registry's answer with its body changed; the length announced is that of the new body.
func Change(change func([]byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := answer(r, next)
		b := change(append([]byte(nil), a.Body.Bytes()...))
		a.Header().Set("Content-Length", strconv.Itoa(len(b)))
		copyHead(w, a)
		w.Write(b)
	}
}

// Unannounced sends the registry's answer with its body changed and says nothing about its length.
func Unannounced(change func([]byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := answer(r, next)
		for k, v := range a.Header() {
			if k != "Content-Length" {
				w.Header()[k] = v
			}
		}
		w.WriteHeader(a.Code)
		w.Write(change(append([]byte(nil), a.Body.Bytes()...)))
	}
}

// Flip sends the right number of bytes, one of them wrong.
func Flip() Fault {
	return Change(func(b []byte) []byte {
		if len(b) > 0 {
			b[len(b)/2] ^= 1
		}
		return b
	})
}

// Header sends the registry's answer with headers changed.
func Header(headers ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := answer(r, next)
		for i := 0; i+1 < len(headers); i += 2 {
			a.Header().Set(headers[i], headers[i+1])
		}
		copyHead(w, a)
		w.Write(a.Body.Bytes())
	}
}

// NoRange answers as a registry that knows no ranges.
func NoRange() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		next.ServeHTTP(w, r)
	}
}
