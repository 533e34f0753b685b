package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// network is what a proxy makes of the way to a registry. The zero value limits nothing.
type network struct {
	// latency is what each request waits before it is answered.
	latency time.Duration
	// rate is bytes a second of one connection, in each direction.
	rate int64
}

// proxy stands before a registry: it counts, and slows down.
type proxy struct {
	host    string
	traffic *traffic
	server  *http.Server
}

func startProxy(target string, n network) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &proxy{host: l.Addr().String(), traffic: newTraffic()}
	p.server = &http.Server{Handler: p.handler(target, n), ErrorLog: log.New(io.Discard, "", 0)}
	go p.server.Serve(&countedListener{l, p.traffic, n.rate})
	return p, nil
}

func (p *proxy) close() { p.server.Close() }

func (p *proxy) handler(target string, n network) http.Handler {
	forward := &httputil.ReverseProxy{
		// The registry is told the name that the client uses, so that the uploads it begins go on through the proxy.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.Out.Host = r.In.Host
		},
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256},
		ModifyResponse: func(r *http.Response) error { p.traffic.response(r); return nil },
		BufferPool:     &bufferPool{},
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.traffic.request(r)
		if wait(r.Context(), n.latency) == nil {
			forward.ServeHTTP(w, r)
		}
	})
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type bufferPool struct{ sync.Pool }

func (p *bufferPool) Get() []byte {
	if b, ok := p.Pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, chunk)
}

func (p *bufferPool) Put(b []byte) { p.Pool.Put(&b) }
