package keyset

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// Set is a key set as it was published.
type Set struct {
	keys []key
}

// key is a member of a set: as it stands there, and as the library reads it (nil
// if it cannot).
type key struct {
	members map[string]json.RawMessage
	public  jwk.Key
	unread  error
}

// Parse reads a key set. A key that cannot be read is kept, for Problems.
func Parse(raw []byte) (*Set, error) {
	var document struct {
		Keys *[]map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &document); err != nil || document.Keys == nil {
		return nil, errors.New(`it is no key set: a JSON object with an array "keys" (RFC 7517 section 5)`)
	}
	s := &Set{}
	for _, members := range *document.Keys {
		k := key{members: members}
		text, err := json.Marshal(members)
		if err != nil {
			return nil, err
		}
		read, err := jwk.ParseKey(text)
		if err == nil {
			read, err = read.PublicKey()
		}
		k.public, k.unread = read, err
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// text is a member's value if it is a string.
func (k key) text(member string) string {
	var value string
	_ = json.Unmarshal(k.members[member], &value) // anything else is no value
	return value
}

// name tells keys apart in messages.
func (k key) name(position int) string {
	if id := k.text("kid"); id != "" {
		return "key " + id
	}
	return fmt.Sprintf("key %d (without kid)", position+1)
}

// IDs are the kids of all keys, in their order.
func (s *Set) IDs() []string {
	ids := make([]string, 0, len(s.keys))
	for _, k := range s.keys {
		ids = append(ids, k.text("kid"))
	}
	return ids
}

// privateMembers are those that only the owner may know (RFC 7518 sections 6.2.2,
// 6.3.2 and 6.4; RFC 8037 section 2).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// Secrets says, one phrase for each key, which private members it has.
func (s *Set) Secrets() []string {
	var found []string
	for i, k := range s.keys {
		var has []string
		for _, member := range privateMembers {
			if _, ok := k.members[member]; ok {
				has = append(has, member)
			}
		}
		if len(has) > 0 {
			found = append(found, k.name(i)+" has "+strings.Join(has, ", "))
		}
	}
	return found
}

// signing are the algorithms (RFC 7518 section 3.1, RFC 8037) of each type of key.
var signing = map[string][]string{
	"RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
	"EC":  {"ES256", "ES384", "ES512"},
	"OKP": {"EdDSA", "Ed25519"},
}

// Problems says, one phrase each, why a verifier could not choose and use the keys.
func (s *Set) Problems() []string {
	if len(s.keys) == 0 {
		return []string{"there is no key"}
	}
	var found []string
	seen := map[string]bool{}
	for i, k := range s.keys {
		id := k.text("kid")
		for problem, there := range map[string]bool{
			"has no kid":                   id == "",
			"is there twice under one kid": id != "" && seen[id],
			"has kty " + quoted(k, "kty") + ", which is no asymmetric key":               signing[k.text("kty")] == nil,
			"has alg " + quoted(k, "alg") + ", which does not sign with a key like this": !slices.Contains(signing[k.text("kty")], k.text("alg")),
			"has use " + quoted(k, "use") + ", not sig":                                  k.text("use") != "sig",
			"cannot be read": k.unread != nil,
		} {
			if there {
				found = append(found, k.name(i)+" "+problem)
			}
		}
		seen[id] = true
	}
	slices.Sort(found)
	return found
}

func quoted(k key, member string) string { return fmt.Sprintf("%q", k.text(member)) }

// Lacks says which keys of another set this one does not have, or has differently.
func (s *Set) Lacks(other *Set) []string {
	var found []string
	for i, k := range other.keys {
		at := slices.IndexFunc(s.keys, func(own key) bool { return own.text("kid") == k.text("kid") })
		switch {
		case at < 0:
			found = append(found, k.name(i)+" is not there")
		case !same(s.keys[at], k):
			found = append(found, k.name(i)+" is another key")
		}
	}
	return found
}

// same compares keys by their thumbprints (RFC 7638).
func same(a, b key) bool {
	if a.unread != nil || b.unread != nil {
		return false
	}
	first, err := a.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return false
	}
	second, err := b.public.Thumbprint(crypto.SHA256)
	return err == nil && bytes.Equal(first, second)
}

// ErrUnknownKey says that the set has no key of the token's kid.
var ErrUnknownKey = errors.New("the key set has no key of the token's kid")

// Verify checks a token's signature with the key that its header names. It looks at
// no claim. The error does not quote the token; it wraps ErrUnknownKey where there
// is no such key.
func (s *Set) Verify(token exchange.Token) error {
	claims, err := exchange.ReadClaims(token)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(s.keys, func(k key) bool { return k.text("kid") == claims.KeyID })
	if claims.KeyID == "" || at < 0 {
		return fmt.Errorf("%w: kid %q, published %q", ErrUnknownKey, claims.KeyID, s.IDs())
	}
	k := s.keys[at]
	if k.unread != nil {
		return fmt.Errorf("%s cannot be read", k.name(at))
	}
	if !slices.Contains(signing[k.text("kty")], claims.Algorithm) {
		return fmt.Errorf("the token's alg is %q, which is none of a key of type %s", claims.Algorithm, quoted(k, "kty"))
	}
	candidate := jwk.NewSet()
	if err := candidate.AddKey(k.public); err != nil {
		return fmt.Errorf("%s cannot be used: %w", k.name(at), err)
	}
	text := strings.TrimSpace(token.Reveal())
	if _, err := jws.Verify([]byte(text), jws.WithKeySet(candidate, jws.WithInferAlgorithmFromKey(true))); err != nil {
		return fmt.Errorf("the signature of the token does not verify with %s (alg %s)", k.name(at), claims.Algorithm)
	}
	return nil
}
