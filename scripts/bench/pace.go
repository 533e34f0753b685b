package main

import (
	"net"
	"sync"
	"time"
)

const (
	// chunk is how many bytes a limited connection moves at once.
	chunk = 64 << 10
	// slack is how far behind its rate a connection may catch up: what a timer oversleeps is not lost, a pause is.
	slack = 20 * time.Millisecond
)

// countedListener counts and limits every connection.
type countedListener struct {
	net.Listener
	traffic *traffic
	rate    int64
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: c, traffic: l.traffic, in: pace{rate: l.rate}, out: pace{rate: l.rate}}, nil
}

// countedConn is the proxy's end of a client's connection: what it reads, the client sent.
type countedConn struct {
	net.Conn
	traffic *traffic
	in, out pace
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), chunk)])
	c.traffic.sent.Add(int64(n))
	time.Sleep(c.in.delay(n, time.Now()))
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	total := 0
	for total < len(b) {
		n, err := c.Conn.Write(b[total:min(len(b), total+chunk)])
		total += n
		c.traffic.received.Add(int64(n))
		if err != nil {
			return total, err
		}
		time.Sleep(c.out.delay(n, time.Now()))
	}
	return total, nil
}

// pace spreads bytes over time.
type pace struct {
	rate int64
	mu   sync.Mutex
	free time.Time // when all that was sent has gone through
}

// delay is how long to wait after n bytes went out. Without a rate it is nothing.
func (p *pace) delay(n int, now time.Time) time.Duration {
	if p.rate <= 0 || n <= 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(now.Add(-slack)) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(int64(n) * int64(time.Second) / p.rate))
	return max(0, p.free.Sub(now))
}
