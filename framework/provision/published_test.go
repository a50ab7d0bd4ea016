package provision_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

const (
	publishedSubject  = "system:serviceaccount:default:wlif"
	publishedAudience = "wlif"
)

// published is an issuer of ours that a federation of the mock trusts.
type published struct {
	*world
	ledger        *provision.Ledger
	iss, stranger *issuer.Issuer
	account       string
}

func (w *world) publish() *published {
	w.t.Helper()
	w.cfg.StorageEndpoint = w.announce.StorageEndpoint
	p := &published{world: w, ledger: w.ledger()}
	f := w.fixtures(p.ledger)
	ctx := w.t.Context()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	bucket, err := f.Bucket(ctx, "issuer", provision.BucketSpec{Public: true})
	must(err)
	p.iss, err = issuer.New(w.announce.StorageEndpoint + "/" + bucket)
	must(err)
	p.stranger, err = issuer.New(p.iss.URL)
	must(err)
	url, err := f.Put(ctx, bucket, "jwks.json", "application/json", issuer.JWKS(p.iss.Keys()...))
	must(err)
	federation, err := f.Federation(ctx, "fed", provision.FederationSpec{Issuer: p.iss.URL, JWKSURL: url, Audiences: []string{"another", publishedAudience}})
	must(err)
	p.account, err = f.ServiceAccount(ctx, "sa", "")
	must(err)
	_, err = f.Link(ctx, p.account, federation.GetId(), publishedSubject)
	must(err)
	return p
}

// exchange returns "" for an IAM token, else the reason that the mock noted, "?"
// if it noted none.
func (p *published) exchange(mutations ...issuer.Mutation) string {
	p.t.Helper()
	token, err := p.iss.Forge(p.iss.Claims(publishedSubject, publishedAudience), mutations...)
	if err != nil {
		p.t.Fatal(err)
	}
	client := exchange.Client{Endpoint: p.announce.TokenEndpoint}
	got, err := client.Exchange(p.t.Context(), exchange.Form(token, p.account))
	var refusal *exchange.Refusal
	switch {
	case err == nil && strings.HasPrefix(got.AccessToken.Reveal(), "t1."):
		return ""
	case !errors.As(err, &refusal):
		p.t.Fatalf("neither an IAM token nor a refusal: %v", err)
	}
	return p.reason(refusal.RequestID)
}

// reason asks the mock, beside every API, why it refused a request.
func (w *world) reason(requestID string) string {
	w.t.Helper()
	for line := range bytes.Lines(w.admin("/audit")) {
		var entry struct {
			RequestID string `json:"request_id"`
			Reason    string `json:"reason"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			w.t.Fatal(err)
		}
		if entry.RequestID == requestID {
			return entry.Reason
		}
	}
	return "?"
}

// Keys of every kind that the cloud's table admits open it; which the real one
// admits is not documented, so the table is a guess and a refusal has its reason.
func TestPublishedIssuer(t *testing.T) {
	for name, tc := range map[string]struct {
		algorithms []string
		refused    []issuer.Kind
	}{
		"the guess": {settings.Default().JWKS.Algorithms, []issuer.Kind{issuer.Ed25519}},
		"all kinds": {[]string{"RS256", "ES256", "EdDSA"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t, func(s *settings.Settings) { s.JWKS.Algorithms = tc.algorithms }).publish()
			defer p.tornDown(p.ledger)
			for _, key := range p.iss.Keys() {
				want := ""
				if slices.Contains(tc.refused, key.Kind()) {
					want = "exchange/algorithm"
				}
				if got := p.exchange(issuer.SignedBy(key)); got != want {
					t.Errorf("%v: %q, want %q", key, got, want)
				}
			}
		})
	}
}

// A forged token is refused for what was changed of it, and for nothing else.
func TestForgeriesAreRefusedForTheirReason(t *testing.T) {
	p := newWorld(t, nil).publish()
	defer p.tornDown(p.ledger)
	ours, stranger := p.iss.Key(issuer.RSA), p.stranger.Key(issuer.RSA)
	now := time.Now()
	rows := map[string]struct {
		mutation issuer.Mutation
		want     string
	}{
		"nothing":             {issuer.SignedBy(ours), ""},
		"aud as a string":     {issuer.WithClaim("aud", publishedAudience), ""},
		"one of several":      {issuer.WithClaim("aud", []string{"x", publishedAudience}), ""},
		"wrong key, same kid": {issuer.SignatureOf(stranger), "exchange/signature"},
		"unknown kid":         {issuer.SignedBy(stranger), "exchange/kid-unknown"},
		"missing kid":         {issuer.WithoutHeader("kid"), "exchange/kid-missing"},
		"kid of another kind": {issuer.WithHeader("kid", p.iss.Key(issuer.EC).ID()), "exchange/key-type"},
		"header's alg":        {issuer.WithHeader("alg", "ES256"), "exchange/key-type"},
		"unsigned":            {issuer.Unsigned(), "exchange/algorithm"},
		"embedded jwk":        {issuer.EmbeddedKey(stranger), "exchange/signature"},
		"jku":                 {issuer.KeySetURL("https://127.0.0.1:1/jwks.json", stranger), "exchange/signature"},
		"x5u":                 {issuer.CertificateURL("https://127.0.0.1:1/cert.pem", stranger), "exchange/signature"},
		"x5c":                 {issuer.EmbeddedCertificate(stranger), "exchange/signature"},
		"crit":                {issuer.Critical("x-unknown", true), "exchange/critical-header"},
		"tampered":            {issuer.Tampered("jti", "other"), "exchange/signature"},
		"truncated":           {issuer.Truncated(8), "exchange/signature"},
		"a line break":        {issuer.Rewritten(func(c string) (string, error) { return c + "\n", nil }), "exchange/token-malformed"},
		"no JWT":              {issuer.Rewritten(func(string) (string, error) { return "no JWT", nil }), "exchange/token-malformed"},
		"no claims":           {issuer.WithPayload([]byte(`"text"`)), "exchange/claims-malformed"},
		"expired":             {issuer.WithClaim("exp", now.Add(-time.Hour)), "exchange/expired"},
		"exp as a string":     {issuer.WithClaim("exp", "4102444800"), "exchange/claims-malformed"},
		"no exp":              {issuer.WithoutClaim("exp"), "exchange/exp-missing"},
		"nbf":                 {issuer.WithClaim("nbf", now.Add(time.Hour)), "exchange/not-yet-valid"},
		"iat":                 {issuer.WithClaim("iat", now.Add(time.Hour)), "exchange/issued-in-future"},
		"iss":                 {issuer.WithClaim("iss", p.iss.URL+"/"), "exchange/issuer"},
		"no aud":              {issuer.WithoutClaim("aud"), "exchange/audience-missing"},
		"empty aud":           {issuer.WithClaim("aud", []string{}), "exchange/audience-missing"},
		"aud":                 {issuer.WithClaim("aud", []string{p.account}), "exchange/audience"},
		"sub":                 {issuer.WithClaim("sub", publishedSubject+"x"), "exchange/subject"},
		"no sub":              {issuer.WithoutClaim("sub"), "exchange/subject-missing"},
	}
	for _, form := range issuer.PublicForms() {
		rows["HMAC with "+string(form)] = struct {
			mutation issuer.Mutation
			want     string
		}{issuer.HMACWithPublicKey(form), "exchange/algorithm"}
	}
	for name, row := range rows {
		if got := p.exchange(row.mutation); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
