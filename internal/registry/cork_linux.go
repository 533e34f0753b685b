package registry

import (
	"net"

	"golang.org/x/sys/unix"
)

// cork makes the kernel wait for more before it sends a packet that is not full: the few bytes between two pieces of a file
// go along with them.
func cork(c *net.TCPConn, on bool) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	value := 0
	if on {
		value = 1
	}
	var bad error
	if err := raw.Control(func(fd uintptr) { bad = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, value) }); err != nil {
		return err
	}
	return bad
}
