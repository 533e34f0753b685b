package registry

import (
	"context"
	"errors"
	"fmt"
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
	if l, ok := r.(*io.LimitedReader); ok {
		if body, ok := l.R.(*watchedBody); ok && body.isSectioned() && cork(c.TCPConn, true) == nil {
			n, err := c.sendSections(body, l.N)
			l.N -= n
			return n, errors.Join(err, cork(c.TCPConn, false))
		}
	}
	b := sendBuffers.Get().(*[]byte)
	defer sendBuffers.Put(b)
	return io.CopyBuffer(struct{ io.Writer }{c.TCPConn}, r, *b)
}

// sendSections sends a body of n bytes, of which those that lie in a file go from there to the connection in the kernel.
func (c conn) sendSections(body *watchedBody, n int64) (sent int64, err error) {
	for sent < n {
		b, f, size, err := body.Section()
		if err == nil && size > n-sent {
			err = fmt.Errorf("the body has more than %d bytes", n)
		}
		if err != nil {
			return sent, err
		}
		m := int64(len(b))
		if m > 0 {
			_, err = c.Write(b)
		} else if m, err = c.TCPConn.ReadFrom(&io.LimitedReader{R: f, N: size}); err == nil && m < size {
			err = fmt.Errorf("%s ends too early: %w", f.Name(), io.ErrUnexpectedEOF)
		}
		sent += m
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
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
