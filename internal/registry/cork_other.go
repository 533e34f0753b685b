//go:build !linux

package registry

import (
	"errors"
	"net"
)

// cork is not there: what would be sent in pieces is put together in a buffer.
func cork(*net.TCPConn, bool) error { return errors.ErrUnsupported }
