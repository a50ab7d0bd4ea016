package mockcloud

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// otherInterface is an interface with an address that is no loopback one.
func otherInterface(t *testing.T) (device, address string) {
	t.Helper()
	devices, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		own, err := d.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range own {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
				return d.Name, p.Addr().String()
			}
		}
	}
	t.Skip("this machine has loopback addresses only")
	return "", ""
}

// TestListensNowhereElse: strangers reach neither the API nor what is beside it.
func TestListensNowhereElse(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "localhost:0", "192.0.2.1:0", "nonsense"} {
		t.Run(address, func(t *testing.T) {
			c, err := Start(t.Context(), Options{Dir: t.TempDir(), Listen: address})
			if place := (*PlaceError)(nil); !errors.As(err, &place) {
				t.Errorf("error %v, want a *PlaceError", err)
			}
			if err == nil {
				_ = c.Close(t.Context())
			}
		})
	}
	c := start(t, func(o *Options) { o.Listen = "127.0.0.2:0" })
	for name, l := range map[string]net.Listener{"API": c.api, "storage": c.storage, "admin": c.admin} {
		if at := netip.MustParseAddrPort(l.Addr().String()); !at.Addr().IsLoopback() {
			t.Errorf("%s listens on %s", name, at)
		}
	}
}

// TestListensOnTheNamedBridge, and on no other; the admin port stays where it is.
func TestListensOnTheNamedBridge(t *testing.T) {
	device, address := otherInterface(t)
	c := start(t, func(o *Options) { o.Listen, o.Bridge = net.JoinHostPort(address, "0"), device })
	if got := netip.MustParseAddrPort(c.api.Addr().String()).Addr().String(); got != address {
		t.Errorf("the API is at %s, want %s", got, address)
	}
	if at := netip.MustParseAddrPort(c.admin.Addr().String()); !at.Addr().IsLoopback() {
		t.Errorf("the admin port is at %s", at)
	}
	for _, bridge := range []string{"", "lo", "wlif-none"} {
		if err := checkPlace(net.JoinHostPort(address, "0"), bridge); err == nil {
			t.Errorf("%s is taken for an address of %q", address, bridge)
		}
	}
}
