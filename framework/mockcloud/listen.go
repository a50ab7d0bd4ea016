package mockcloud

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
)

// PlaceError is an address at which a mock does not listen.
type PlaceError struct {
	Address string
	Err     error
}

// Error says where it may listen instead.
func (e *PlaceError) Error() string {
	return fmt.Sprintf("listen on %s: %v; a mock has a user with every right, so it listens on a loopback address (127.0.0.1:8443), or on an address of the bridge that is named (--bridge docker0)", e.Address, e.Err)
}

// Unwrap gives the cause.
func (e *PlaceError) Unwrap() error { return e.Err }

// listen takes the ports, so that a taken one is known before anything starts.
func (c *Cloud) listen(address, bridge string) (err error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	if err := checkPlace(address, bridge); err != nil {
		return &PlaceError{address, err}
	}
	if c.api, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	host, _, err := net.SplitHostPort(c.api.Addr().String())
	if err != nil {
		return err
	}
	cutter := &wire.Cutter{Listener: c.api}
	c.api, c.cut = cutter, cutter.Cut
	if c.storage, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
		return fmt.Errorf("listen for object storage: %w", err)
	}
	if c.admin, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen for the admin port: %w", err)
	}
	return nil
}

// checkPlace refuses what strangers could reach. A name is refused, too: where it
// leads may change between looking and listening.
func checkPlace(address, bridge string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no IP address", host)
	case ip.IsLoopback():
		return nil
	case bridge == "":
		return errors.New("it is no loopback address")
	}
	device, err := net.InterfaceByName(bridge)
	if err != nil {
		return fmt.Errorf("the bridge %s: %w", bridge, err)
	}
	own, err := device.Addrs()
	if err != nil {
		return fmt.Errorf("the addresses of the bridge %s: %w", bridge, err)
	}
	if !slices.ContainsFunc(own, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr() == ip
	}) {
		return fmt.Errorf("it is no address of the bridge %s, which has %v", bridge, own)
	}
	return nil
}
