package wire

import (
	"io"
	"net"
	"net/http"
	"time"
)

// Tunnel answers CONNECT for the mock's own host names, each of which leads to one
// address: a program that is told of it as its HTTPS_PROXY reaches them under their
// real names, though DNS knows nothing of the mock. It is for a server without TLS.
type Tunnel struct {
	// Serves says which names are the mock's; it is a way to nowhere else.
	Serves func(host string) bool
	// To is the address that they lead to.
	To string
	// Else answers all that is not CONNECT.
	Else http.Handler
}

// dialOwn bounds reaching the mock itself.
const dialOwn = 10 * time.Second

// ServeHTTP opens a tunnel, or hands the request on.
func (t *Tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		t.Else.ServeHTTP(w, r)
		return
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil || port != "443" || !t.Serves(host) {
		http.Error(w, "the mock cloud has no "+r.Host, http.StatusBadGateway)
		return
	}
	inner, err := (&net.Dialer{Timeout: dialOwn}).DialContext(r.Context(), "tcp", t.To)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = inner.Close() }()
	outer, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = outer.Close() }()
	if _, err := io.WriteString(outer, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	// Whoever ends first ends both: neither half is of use alone. The inner
	// connection ends with the server, and the tunnel with it.
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(inner, buffered); done <- struct{}{} }()
	go func() { _, _ = io.Copy(outer, inner); done <- struct{}{} }()
	<-done
}
