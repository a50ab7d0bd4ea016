package embedded

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// endpoints are where a cluster listens: one address of the loopback network that
// it shares with nobody, so that free ports stay free between probing and use.
type endpoints struct {
	ip                  string
	api, etcd, etcdPeer int
}

const addressFile = "address"

// chooseEndpoints prefers the address that a former start in dir had, because
// kubeconfigs carry it.
func chooseEndpoints(dir string, preferFormer bool) (endpoints, error) {
	file := filepath.Join(dir, addressFile)
	if raw, err := os.ReadFile(file); err == nil && preferFormer { //nolint:gosec // G304: a file of the cluster's own folder
		if host, port, err := net.SplitHostPort(string(raw)); err == nil {
			former, _ := strconv.Atoi(port)
			if e, err := probe(host, former); err == nil {
				return e, nil
			}
		}
	}
	var lastErr error
	for range 20 {
		// 127.0.0.0/11 is left to what people configure by hand.
		ip := net.IPv4(127, byte(32+rand.N(192)), byte(rand.N(256)), byte(1+rand.N(254))).String() //nolint:gosec // G404, G115: no secret, and each less than 256
		e, err := probe(ip, 0)
		if err != nil {
			lastErr = err
			continue
		}
		return e, os.WriteFile(file, []byte(net.JoinHostPort(ip, strconv.Itoa(e.api))), 0o600)
	}
	return endpoints{}, fmt.Errorf("finding free ports on a loopback address: %w", lastErr)
}

// probe finds three ports that are free now.
func probe(ip string, api int) (endpoints, error) {
	e := endpoints{ip: ip}
	for _, port := range []struct {
		want int
		got  *int
	}{{api, &e.api}, {0, &e.etcd}, {0, &e.etcdPeer}} {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port.want)))
		if err != nil {
			return e, err
		}
		// Held until all three are known: they must differ.
		defer func() { _ = l.Close() }()
		*port.got = l.Addr().(*net.TCPAddr).Port
	}
	return e, nil
}

func (e endpoints) url(port int) string {
	return "https://" + net.JoinHostPort(e.ip, strconv.Itoa(port))
}
