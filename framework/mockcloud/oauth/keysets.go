package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// KeySets fetches and keeps the key sets of federations.
type KeySets struct {
	k      *kernel.Kernel
	client *http.Client

	mu   sync.Mutex
	sets map[string]*keySet
}

// keySet is one URL's. Its lock makes many exchanges at once fetch it once.
type keySet struct {
	mu   sync.Mutex
	keys []jose.JSONWebKey
	err  error
	// tried is the last fetch, got the last that succeeded.
	tried, got time.Time
}

func newKeySets(k *kernel.Kernel, client *http.Client) *KeySets {
	c := *client
	// A redirect could lead anywhere; that it is not followed is a guess.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &KeySets{k: k, client: &c, sets: map[string]*keySet{}}
}

// Lookup returns the keys of that kid at url, most often one. A set is fetched
// when it is not known or too old, and again for an unknown kid (the issuer may
// have rotated) or after a failure, but not more often than the settings allow.
// A failure does not spoil the keys that are there: an unknown kid is anybody's to send.
func (s *KeySets) Lookup(ctx context.Context, url, kid string) ([]jose.JSONWebKey, error) {
	limits := s.k.Settings.Get().JWKS
	s.mu.Lock()
	set, known := s.sets[url]
	if !known {
		set = &keySet{}
		s.sets[url] = set
	}
	s.mu.Unlock()

	set.mu.Lock()
	defer set.mu.Unlock()
	fresh := !set.got.IsZero() && s.k.Clock.Since(set.got) < time.Duration(limits.TTL)
	if found := set.find(kid); fresh && len(found) > 0 {
		return found, nil
	}
	if (fresh || set.err != nil) && s.k.Clock.Since(set.tried) < time.Duration(limits.RefetchEvery) {
		return nil, set.err
	}
	keys, err := s.fetch(ctx, url)
	set.err, set.tried = err, s.k.Clock.Now()
	if err != nil {
		return nil, err // the former keys stay, for as long as they are fresh
	}
	set.keys, set.got = keys, set.tried
	return set.find(kid), nil
}

func (set *keySet) find(kid string) []jose.JSONWebKey {
	var out []jose.JSONWebKey
	for _, key := range set.keys {
		if key.KeyID == kid {
			out = append(out, key)
		}
	}
	return out
}

func (s *KeySets) fetch(ctx context.Context, address string) ([]jose.JSONWebKey, error) {
	limits := s.k.Settings.Get().JWKS
	u, err := url.Parse(address)
	if err != nil || !strings.EqualFold(u.Scheme, "https") {
		return nil, reason("jwks-not-https")
	}
	// The set is shared: it must not be lost because the first who asked hung up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(limits.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, reason("jwks-unreachable")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, reason("jwks-unreachable")
	}
	defer func() { _ = resp.Body.Close() }() // read-only: nothing can be lost
	if resp.StatusCode != http.StatusOK {
		return nil, reason("jwks-status")
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limits.MaxBytes+1))
	switch {
	case err != nil:
		return nil, reason("jwks-unreachable")
	case int64(len(raw)) > limits.MaxBytes:
		return nil, reason("jwks-too-large")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(raw, &set) != nil || set.Keys == nil {
		return nil, reason("jwks-malformed")
	}
	var keys []jose.JSONWebKey
	for _, one := range set.Keys {
		var key jose.JSONWebKey
		// "Implementations SHOULD ignore JWKs within a JWK Set that use 'kty' values
		// that are not understood" (RFC 7517 5).
		if key.UnmarshalJSON(one) == nil && key.IsPublic() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// fits says whether a key may verify signatures of an algorithm.
func fits(key jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS")
	case *ecdsa.PublicKey:
		return strings.HasPrefix(string(alg), "ES")
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}
