package issuer_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
)

func writtenStock(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.pem")
	if err := issuer.WriteStock(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStockGivesTheSameKeyForAPart(t *testing.T) {
	path := writtenStock(t)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v: private keys are their user's alone", info.Mode(), err)
	}
	seen := map[string]issuer.Part{}
	for range 2 {
		stock, err := issuer.ReadStock(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range issuer.Parts() {
			key, err := stock.Key(part)
			if err != nil {
				t.Fatal(err)
			}
			if of, known := seen[key.ID()]; known && of != part {
				t.Errorf("%s and %s have one key", of, part)
			}
			seen[key.ID()] = part
		}
		made, err := stock.Issuer("https://issuer.example")
		if err != nil {
			t.Fatal(err)
		}
		if part := seen[made.Key(issuer.RSA).ID()]; part != issuer.Signing {
			t.Errorf("the issuer signs with the key for %q", part)
		}
		if len(made.Keys()) != len(issuer.Kinds()) {
			t.Errorf("the issuer has %d keys", len(made.Keys()))
		}
	}
	if len(seen) != len(issuer.Parts()) {
		t.Errorf("%d keys for %d parts: each reading made others", len(seen), len(issuer.Parts()))
	}
}

func TestNoStockMakesNewKeys(t *testing.T) {
	stock, err := issuer.ReadStock("")
	if err != nil {
		t.Fatal(err)
	}
	one, err := stock.Key(issuer.Listed)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := stock.Key(issuer.Listed); err != nil || other.ID() == one.ID() {
		t.Errorf("%v, %v: the key is not new", other, err)
	}
}

func TestStockRefusesOtherFiles(t *testing.T) {
	good, err := os.ReadFile(writtenStock(t))
	if err != nil {
		t.Fatal(err)
	}
	parts := bytes.SplitAfter(good, []byte("-----END PRIVATE KEY-----\n"))
	spoilt := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"Part": "listed"}, Bytes: []byte("no key")})
	for name, tc := range map[string]struct {
		text []byte
		want string
	}{
		"empty":          {nil, "there is none for signing"},
		"a part less":    {slices.Concat(parts[:3]...), "there is none for listed"},
		"not a key":      {slices.Concat(append(slices.Clone(parts[:3]), spoilt)...), `the key for "listed"`},
		"a short key":    {slices.Concat(append(slices.Clone(parts[:3]), shortPEM)...), "no RSA key of 2048 bits"},
		"a foreign kind": {slices.Concat(append(slices.Clone(parts[:3]), ecPEM)...), "no RSA key of 2048 bits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.pem")
			if err := os.WriteFile(path, tc.text, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := issuer.ReadStock(path); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, want one that names the file and has %q", err, tc.want)
			}
		})
	}
	if _, err := issuer.ReadStock(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is read")
	}
}

// Keys for a part of a stock that are none: one of another kind, and a short one.
var (
	ecPEM    = listedPEM(func() (any, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
	shortPEM = listedPEM(func() (any, error) { return rsa.GenerateKey(rand.Reader, 1024) })
)

func listedPEM(from func() (any, error)) []byte {
	private, err := from()
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"Part": "listed"}, Bytes: der})
}
