package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
)

// KeySets fetches and keeps the key sets of federations.
type KeySets struct {
	k   *kernel.Kernel
	way Way
	// trusting looks at no certificate.
	trusting Way

	mu   sync.Mutex
	sets map[setKey]*keySet
}

// Way is how key sets are reached.
type Way struct {
	// Direct goes where a federation says, Redirected to nothing that is private.
	Direct, Redirected *http.Client
}

// fetchRules are how a key set is fetched and kept. Sets that were fetched by
// different rules are different sets.
type fetchRules struct {
	// unlimited: a set may be of any size.
	unlimited bool
	// trusting: the server's certificate is not looked at.
	trusting bool
	// once: what has been fetched is never fetched again.
	once bool
	// always: each unknown kid makes the set be fetched.
	always bool
}

// setKey is what key sets are kept by. Each folder's federations have their own, so that
// what goes wrong with a set in one folder is not kept for another: a guess.
type setKey struct {
	folder, address string
	rules           fetchRules
}

// publishedKey is a key of a set, with the JSON it came in.
type publishedKey struct {
	jose.JSONWebKey
	raw []byte
}

// statusFailure is a key set's answer that was not 200.
type statusFailure int

func (s statusFailure) Error() string { return "jwks-status " + strconv.Itoa(int(s)) }
func (statusFailure) Unwrap() error   { return reason("jwks-status") }

// unreachable is a key set that could not be fetched; the cause tells why.
func unreachable(cause error) error { return errors.Join(reason("jwks-unreachable"), cause) }

// keySet is one address's. Its lock makes many exchanges at once fetch it once.
type keySet struct {
	mu   sync.Mutex
	keys []publishedKey
	err  error
	// tried is the last fetch, got the last that succeeded.
	tried, got time.Time
}

func newKeySets(k *kernel.Kernel, way Way) *KeySets {
	return &KeySets{
		k: k, sets: map[setKey]*keySet{},
		way:      Way{stopping(way.Direct, false), stopping(way.Redirected, false)},
		trusting: Way{stopping(way.Direct, true), stopping(way.Redirected, true)},
	}
}

// stopping is a client that follows no redirect by itself, and if it is blind looks
// at no certificate.
func stopping(client *http.Client, blind bool) *http.Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if transport, ok := c.Transport.(*http.Transport); ok && blind {
		transport = transport.Clone()
		if transport.TLSClientConfig == nil {
			transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		transport.TLSClientConfig.InsecureSkipVerify = true
		c.Transport = transport
	}
	return &c
}

// Lookup returns the keys of that kid in a set, most often one, and all that there
// are. A set is fetched when it is not known or too old, and again for an unknown kid
// (the issuer may have rotated) or after a failure, but not more often than the
// settings allow. A failure does not spoil the keys that are there: an unknown kid is
// anybody's to send.
func (s *KeySets) Lookup(ctx context.Context, id setKey, kid string) (named, all []publishedKey, err error) {
	limits := s.k.Settings.Get().JWKS
	s.mu.Lock()
	set, known := s.sets[id]
	if !known {
		set = &keySet{}
		s.sets[id] = set
	}
	s.mu.Unlock()

	set.mu.Lock()
	defer set.mu.Unlock()
	fresh := !set.got.IsZero() && (id.rules.once || s.k.Clock.Since(set.got) < time.Duration(limits.TTL))
	if found := set.find(kid); fresh && (id.rules.once || len(found) > 0) {
		return found, set.keys, nil
	}
	if (fresh || set.err != nil) && !id.rules.always && s.k.Clock.Since(set.tried) < time.Duration(limits.RefetchEvery) {
		return nil, set.keys, set.err
	}
	keys, err := s.fetch(ctx, id.address, id.rules)
	set.err, set.tried = err, s.k.Clock.Now()
	if err != nil {
		return nil, nil, err // the former keys stay, for as long as they are fresh
	}
	set.keys, set.got = keys, set.tried
	return set.find(kid), set.keys, nil
}

func (set *keySet) find(kid string) []publishedKey {
	var out []publishedKey
	for _, key := range set.keys {
		if key.KeyID == kid {
			out = append(out, key)
		}
	}
	return out
}

func (s *KeySets) fetch(ctx context.Context, address string, rules fetchRules) ([]publishedKey, error) {
	raw, err := s.get(ctx, address, rules)
	if err != nil {
		return nil, err
	}
	return readKeys(raw)
}

// readKeys reads a key set and keeps the public keys that it understands.
func readKeys(raw []byte) ([]publishedKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(raw, &set) != nil || set.Keys == nil {
		return nil, reason("jwks-malformed")
	}
	var keys []publishedKey
	for _, one := range set.Keys {
		key := publishedKey{raw: one}
		// "Implementations SHOULD ignore JWKs within a JWK Set that use 'kty' values
		// that are not understood" (RFC 7517 5).
		if key.UnmarshalJSON(one) == nil && key.IsPublic() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// get fetches a document.
func (s *KeySets) get(ctx context.Context, address string, rules fetchRules) ([]byte, error) {
	limits := s.k.Settings.Get().JWKS
	// The set is shared: it must not be lost because the first who asked hung up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(limits.Timeout))
	defer cancel()
	resp, err := s.open(ctx, address, rules, limits.Redirects)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read-only: nothing can be lost
	if resp.StatusCode != http.StatusOK {
		return nil, statusFailure(resp.StatusCode)
	}
	most := limits.MaxBytes
	if rules.unlimited {
		most = math.MaxInt64 - 1
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, unreachable(err)
	case int64(len(raw)) > most:
		return nil, reason("jwks-too-large")
	}
	return raw, nil
}

// maxRedirects bounds how often one fetch is sent elsewhere.
const maxRedirects = 5

// open asks an address, and where it redirects to as far as the settings let it. That
// they do not by default is a guess.
func (s *KeySets) open(ctx context.Context, address string, rules fetchRules, redirects string) (*http.Response, error) {
	way := s.way
	if rules.trusting {
		way = s.trusting
	}
	client := way.Direct
	for hop := 0; ; hop++ {
		resp, err := ask(ctx, client, address)
		if err != nil {
			return nil, err
		}
		if hop == maxRedirects || redirects == settings.RedirectsNever || resp.StatusCode < 300 || resp.StatusCode > 399 {
			return resp, nil
		}
		to, nowhere := resp.Location()
		if nowhere != nil {
			return resp, nil //nolint:nilerr // a redirect to nowhere is what was answered
		}
		_ = resp.Body.Close() // only the address matters
		if address = to.String(); redirects == settings.RedirectsPublic {
			client = way.Redirected
		}
	}
}

func ask(ctx context.Context, client *http.Client, address string) (*http.Response, error) {
	u, err := url.Parse(address)
	if err != nil || !strings.EqualFold(u.Scheme, "https") {
		return nil, reason("jwks-not-https")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // G704: where a federation says, as on the cloud; see Way
	if err != nil {
		return nil, unreachable(err)
	}
	resp, err := client.Do(req) //nolint:gosec // G704: where a federation says, as on the cloud; see Way
	switch {
	case errors.As(err, new(*wire.PrivateError)):
		return nil, reason("jwks-private-address")
	case err != nil:
		return nil, unreachable(err)
	}
	return resp, nil
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
