package trust

import (
	"errors"
	"slices"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
)

func TestPublishedKeys(t *testing.T) {
	ours, err := issuer.New("https://issuer")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := issuer.New("https://issuer")
	if err != nil {
		t.Fatal(err)
	}
	forge := func(mutations ...issuer.Mutation) exchange.Token {
		token, err := ours.Forge(ours.Claims("subject", "audience"), mutations...)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	key := ours.Key(issuer.RSA)
	set, good := issuer.JWKS(key), forge(issuer.SignedBy(key))
	for _, tc := range []struct {
		name       string
		status     int
		body       []byte
		err        error
		token      exchange.Token
		problem    string
		unverified bool
	}{
		{"a good token", 200, set, nil, good, "", false},
		{"another key of the same kid", 200, issuer.JWKS(stranger.Key(issuer.RSA).Named(key.ID())), nil, good, "", true},
		{"a key that is not there", 200, issuer.JWKS(stranger.Key(issuer.RSA)), nil, good, "", false},
		{"tampered", 200, set, nil, forge(issuer.SignedBy(key), issuer.Tampered("sub", "other")), "", true},
		{"private", 403, nil, nil, good, exchange.JWKSPrivate, false},
		{"not signed in", 401, nil, nil, good, exchange.JWKSPrivate, false},
		{"not found", 404, set, nil, good, exchange.JWKSUnreadable, false},
		{"moved", 302, set, nil, good, exchange.JWKSUnreadable, false},
		{"a page", 200, []byte("<html>"), nil, good, exchange.JWKSUnreadable, false},
		{"no key", 200, []byte(`{"keys":[]}`), nil, good, exchange.JWKSUnreadable, false},
		{"no answer", 0, nil, &keyset.UnavailableError{URL: "https://k", Err: errors.New("refused")}, good, exchange.JWKSUnreachable, false},
		{"no address", 0, nil, errors.New("it is no https URL"), good, exchange.JWKSUnreadable, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := published(keyset.Document{Status: tc.status, Body: tc.body}, tc.err, tc.token)
			if got.Problem != tc.problem || (got.Detail != "") != (tc.problem != "") || (got.Unverified != "") != tc.unverified {
				t.Errorf("keys %+v", got)
			}
			if tc.problem == "" && tc.name != "a key that is not there" && !slices.Equal(got.IDs, []string{key.ID()}) {
				t.Errorf("ids %q", got.IDs)
			}
		})
	}
}
