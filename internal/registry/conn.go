package registry

import (
	"context"
	"io"
	"net"
	"sync"
)

// sendSize is how much of an upload is read and sent at a time; net/http alone takes 32 KiB.
const sendSize = 256 << 10

var sendBuffers = sync.Pool{New: func() any { b := make([]byte, sendSize); return &b }}

// conn is a connection that takes uploads in large pieces.
type conn struct{ *net.TCPConn }

// ReadFrom is what net/http hands the body of an upload to, where there is no TLS.
func (c conn) ReadFrom(r io.Reader) (int64, error) {
	b := sendBuffers.Get().(*[]byte)
	defer sendBuffers.Put(b)
	return io.CopyBuffer(struct{ io.Writer }{c.TCPConn}, r, *b)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialing makes connections of the dialer that are conns.
func dialing(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok {
			return conn{tcp}, err
		}
		return c, err
	}
}
