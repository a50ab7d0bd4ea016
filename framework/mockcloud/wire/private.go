package wire

import (
	"fmt"
	"net/netip"
	"syscall"
)

// PrivateError is an address that is not of the public Internet.
type PrivateError struct{ Address netip.Addr }

// Error names the address.
func (e *PrivateError) Error() string { return e.Address.String() + " is a private address" }

// shared is the range between a provider and its customers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// RefusePrivate is a net.Dialer's Control: it looks at the address that is really
// dialed, so that no name leads around it.
func RefusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %q: %w", address, err)
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || shared.Contains(ip) {
		return &PrivateError{ip}
	}
	return nil
}
