package issuer

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// Part is what a key of the checks is for. Where a key may be known from is all that
// tells one from another.
type Part string

// The parts.
const (
	Signing     Part = "signing"     // the shared issuer's
	Unpublished Part = "unpublished" // nowhere
	PointedTo   Part = "pointed-to"  // where headers of tokens point to
	Listed      Part = "listed"      // in key sets of federations that a check makes for itself
)

// Parts lists them all.
func Parts() []Part { return []Part{Signing, Unpublished, PointedTo, Listed} }

// Stock has RSA keys that were made before: making one takes longer than most checks,
// and there are tests that run the checks two hundred times. None is an empty stock.
type Stock map[Part]*Key

// stockType and stockPart say what is in a file of a stock: PKCS #8 in PEM.
const (
	stockType = "PRIVATE KEY"
	stockPart = "Part"
)

// WriteStock makes a key for each part and writes them to a file, mode 0600.
func WriteStock(path string) error {
	var text bytes.Buffer
	for _, part := range Parts() {
		private, err := rsa.GenerateKey(rand.Reader, rsaBits)
		if err != nil {
			return fmt.Errorf("making a key for %s: %w", part, err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			return fmt.Errorf("writing the key for %s: %w", part, err)
		}
		if err := pem.Encode(&text, &pem.Block{Type: stockType, Headers: map[string]string{stockPart: string(part)}, Bytes: der}); err != nil {
			return fmt.Errorf("writing the key for %s: %w", part, err)
		}
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing a stock of keys: %w", err)
	}
	return nil
}

// ReadStock reads a file of WriteStock's; an empty path is an empty stock. Errors name
// the file and never its content.
func ReadStock(path string) (Stock, error) {
	if path == "" {
		return nil, nil
	}
	rest, err := os.ReadFile(path) //nolint:gosec // G304: the file that was asked for
	if err != nil {
		return nil, fmt.Errorf("reading a stock of keys: %w", err)
	}
	stock := Stock{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		part := Part(block.Headers[stockPart])
		if stock[part], err = stocked(block); err != nil {
			return nil, fmt.Errorf("reading the key for %q in %s: %w", part, path, err)
		}
	}
	for _, part := range Parts() {
		if stock[part] == nil {
			return nil, fmt.Errorf("reading the stock of keys in %s: there is none for %s", path, part)
		}
	}
	return stock, nil
}

func stocked(block *pem.Block) (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no PKCS #8 key")
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < rsaBits {
		return nil, fmt.Errorf("it is no RSA key of %d bits", rsaBits)
	}
	return newKey(RSA, "", private)
}

// Issuer makes an issuer with one key of each kind; the RSA key is that for Signing.
func (s Stock) Issuer(url string) (*Issuer, error) {
	var keys []*Key
	for _, kind := range Kinds() {
		from := func() (*Key, error) { return NewKey(kind, "") }
		if kind == RSA {
			from = func() (*Key, error) { return s.Key(Signing) }
		}
		key, err := from()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return Of(url, keys...), nil
}

// Key is the stock's key for a part, or a new one.
func (s Stock) Key(part Part) (*Key, error) {
	if key, ok := s[part]; ok {
		return key, nil
	}
	return NewKey(RSA, "")
}
