package registry

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

type controlFunc = func(network, address string, c syscall.RawConn) error

// publicOnly refuses connections to addresses that are not of the public internet. It sees the address itself, after
// the name was resolved, so a name that resolves to a private address does not get past it.
func publicOnly(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	if !public(ap.Addr()) {
		return fmt.Errorf("%w: a public registry leads to the private address %s", ErrUnsafe, ap.Addr())
	}
	return nil
}

// carrierNAT and nat64 are private in effect: shared address space (RFC 6598) and IPv4 inside IPv6 (RFC 6052).
var (
	carrierNAT = netip.MustParsePrefix("100.64.0.0/10")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
)

func public(a netip.Addr) bool {
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrierNAT.Contains(a)
}

func linkLocal(a netip.Addr) bool { return a.Unmap().IsLinkLocalUnicast() }

// hostname is the host without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// loopbackName says whether the host is this machine by its name.
func loopbackName(host string) bool {
	name := strings.ToLower(hostname(host))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Unmap().IsLoopback()
}

// privateName says whether the name alone shows that the host is not of the public internet.
func privateName(host string) bool {
	if loopbackName(host) {
		return true
	}
	a, err := netip.ParseAddr(hostname(host))
	return err == nil && !public(a)
}

// mayFollow says whether a redirect from one address to the next may be followed, as far as names tell.
func mayFollow(from, to *url.URL, originPrivate bool) error {
	switch {
	case to.Scheme != "https" && to.Scheme != "http" || to.Host == "":
		return fmt.Errorf("%w: redirect to %s://%s", ErrUnsafe, to.Scheme, to.Host)
	case from.Scheme == "https" && to.Scheme != "https":
		return fmt.Errorf("%w: redirect from https to http at %s", ErrUnsafe, to.Host)
	case !originPrivate && privateName(to.Host):
		return fmt.Errorf("%w: redirect from the public %s to the private address %s", ErrUnsafe, from.Host, to.Host)
	}
	a, err := netip.ParseAddr(hostname(to.Host))
	if err == nil && linkLocal(a) && !loopbackName(from.Host) {
		return fmt.Errorf("%w: redirect from %s to the link-local address %s", ErrUnsafe, from.Host, to.Host)
	}
	return nil
}
