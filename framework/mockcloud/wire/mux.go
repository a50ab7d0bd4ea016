package wire

import (
	"net"
	"net/http"
	"strings"

	"google.golang.org/grpc"
)

// Mux tells the kinds of traffic on one port apart.
type Mux struct {
	// GRPC answers HTTP/2 requests of type application/grpc.
	GRPC *grpc.Server
	// ByHost answers requests for a host and the names below it.
	ByHost map[string]http.Handler
	// ByPath answers a path, or everything below one that ends in a slash. It is
	// for what has a host of its own on the real cloud but is reached by address.
	ByPath map[string]http.Handler
	// REST answers everything else.
	REST http.Handler
}

// ServeHTTP routes a request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isGRPC(r) {
		m.GRPC.ServeHTTP(w, r)
		return
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	for name, handler := range m.ByHost {
		if host == name || strings.HasSuffix(host, "."+name) {
			handler.ServeHTTP(w, r)
			return
		}
	}
	for path, handler := range m.ByPath {
		if r.URL.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(r.URL.Path, path) {
			handler.ServeHTTP(w, r)
			return
		}
	}
	m.REST.ServeHTTP(w, r)
}
