// Package wire is the mock cloud's side of TLS: a certificate authority of its
// own, leaf certificates for the name a client asks for, and one port on which
// gRPC, REST and plain HTTPS live together as they do behind the real names.
package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// Authority mints leaf certificates.
type Authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	pem    []byte
	serves func(name string) bool

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

const (
	caFile     = "ca.pem"
	caKeyFile  = "ca.key"
	bundleFile = "ca-bundle.pem"
	// caLife is long enough for a mock that keeps its state; leafLife is what
	// clients accept at most.
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour
)

// NewAuthority reads the authority in dir or makes one there. It mints for names
// that serves accepts and for addresses.
func NewAuthority(dir string, serves func(name string) bool) (*Authority, error) {
	a := &Authority{serves: serves, leaves: map[string]*tls.Certificate{}}
	err := a.load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = a.create(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority in %s: %w", dir, err)
	}
	return a, a.writeBundle(dir)
}

func (a *Authority) load(dir string) error {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile))
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return fmt.Errorf("%s holds no EC key", caKeyFile)
	}
	a.cert, a.key = pair.Leaf, key
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw})
	return nil
}

func (a *Authority) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "WLIF mock cloud CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(caLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(dir, caKeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, caFile), a.pem, 0o600)
}

// systemBundles are where distributions keep the public roots.
var systemBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}

// writeBundle writes the public roots and ours into one file, the value that
// SSL_CERT_FILE of a client takes.
func (a *Authority) writeBundle(dir string) error {
	return renameio.WriteFile(filepath.Join(dir, bundleFile), a.Bundle(), 0o600)
}

// Bundle is the public roots of this machine, as far as it has any, and our own.
func (a *Authority) Bundle() []byte {
	for _, file := range systemBundles {
		if roots, err := os.ReadFile(file); err == nil { //nolint:gosec // G304: the system's roots
			return append(append(roots, '\n'), a.pem...)
		}
	}
	return a.pem
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte { return a.pem }

// Pool holds the roots of Bundle.
func (a *Authority) Pool() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(a.pem)
	return pool
}

// TLS is the configuration of a server: a certificate for the name asked for, or
// for the address that was dialled when none was.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := hello.ServerName
			if name == "" {
				host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
				if err != nil {
					return nil, err
				}
				name = host
			}
			return a.leaf(name)
		},
	}
}

func (a *Authority) leaf(name string) (*tls.Certificate, error) {
	ip := net.ParseIP(name)
	if ip == nil && !a.serves(name) {
		return nil, fmt.Errorf("no certificate: %q is no name of the mock cloud's", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.leaves[name]; ok && time.Until(c.Leaf.NotAfter) > time.Hour {
		return c, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	a.leaves[name] = c
	return c, nil
}

// WriteLeaf writes a certificate for a name or an address, and its key, into files,
// for a server of somebody else's that is to be trusted like the mock.
func (a *Authority) WriteLeaf(name, certFile, keyFile string) error {
	c, err := a.leaf(name)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Leaf.Raw})
	return errors.Join(renameio.WriteFile(certFile, append(chain, a.pem...), 0o600),
		renameio.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return n
}

// ClientTLS trusts the public roots and the authority.
func ClientTLS(a *Authority) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool()}
}
