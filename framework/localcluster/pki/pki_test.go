package pki

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

func leafOf(t *testing.T, pair Pair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(pair.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestAnAuthorityStaysTheSame(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadAuthority(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := first.Issue("kubelet", []string{"group"}, []string{"127.1.2.3", "name.example"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadAuthority(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(second.PEM)
	leaf := leafOf(t, pair)
	for _, host := range []string{"127.1.2.3", "name.example"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if leaf.Subject.CommonName != "kubelet" || len(leaf.Subject.Organization) != 1 {
		t.Errorf("the subject is %s", leaf.Subject)
	}
	client, err := second.Issue("user", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leafOf(t, client).Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
		t.Error("a client's certificate serves")
	}
}

func TestKeysAreTheOwnersOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := LoadAuthority(dir, "ca"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sa.key")
	if err := LoadSigningKey(file); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := LoadSigningKey(file); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the signing key changed (%v)", err)
	}
	for _, name := range []string{"ca.key", "sa.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v (%v)", name, info.Mode(), err)
		}
	}
	if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := LoadSigningKey(file); err == nil {
		t.Error("a broken key was replaced, and with it every token's signature")
	}
}
