// Package webhost is a web server of the run that the cloud can fetch from, for
// key sets that cannot be had: what object storage serves always comes, and comes
// at once.
package webhost

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// Server answers every request as it is told to. It is safe for concurrent use.
type Server struct {
	// URL begins those of the server as the cloud reaches it. No other server ever has
	// it, at the same port neither: a cloud may remember what it fetched from there.
	URL string

	mu      sync.Mutex
	path    string
	handler http.Handler
	asked   int
	// strange is what the server shows for its own, if it is not nil.
	trusted, strange *tls.Certificate
	http             *http.Server
}

// Start starts a server with the configured certificate.
func Start(ctx context.Context, cfg config.WebHost) (*Server, error) {
	trusted, err := tls.LoadX509KeyPair(cfg.Certificate, cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("reading web_host.certificate and web_host.key: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on web_host.listen %s: %w", cfg.Listen, err)
	}
	s := &Server{trusted: &trusted, handler: http.NotFoundHandler()}
	s.path = "/" + rand.Text()
	s.URL = "https://" + reachable(cfg.Address, listener.Addr()) + s.path
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second,
		// Clients that do not trust a certificate are what some checks are about.
		ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.certificate(), nil
		}},
	}
	go func() { _ = s.http.ServeTLS(listener, "", "") }() // ends with Close
	return s, nil
}

// reachable adds the port that was free to an address without one.
func reachable(address string, at net.Addr) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return address
	}
	return net.JoinHostPort(address, port)
}

// Close ends the server and every connection.
func (s *Server) Close() error { return s.http.Close() }

// Answer makes the server answer every request from now on like this.
func (s *Server) Answer(handler http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = handler
}

// Asked is how many requests have come.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Estrange shows a certificate that nobody vouches for, or the trusted one again.
// Connections that are open are closed when they are idle.
func (s *Server) Estrange(strange bool) error {
	var certificate *tls.Certificate
	if strange {
		made, err := selfSigned(s.trusted)
		if err != nil {
			return err
		}
		certificate = made
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strange = certificate
	return nil
}

func (s *Server) certificate() *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strange != nil {
		return s.strange
	}
	return s.trusted
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	handler := s.handler
	s.mu.Unlock()
	w.Header().Set("Connection", "close") // the next request sees the next certificate
	http.StripPrefix(s.path, handler).ServeHTTP(w, r)
}

// selfSigned is a certificate for the same names, by nobody but itself.
func selfSigned(like *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "nobody vouches for this"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: like.Leaf.DNSNames, IPAddresses: like.Leaf.IPAddresses,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
