package exchange

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	account = "aje0123456789abcdefg"
	other   = "ajeother"
	issuer  = "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/cat1"
	subject = "system:serviceaccount:wlif:app"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// passing is a token and a setup that let each other in.
func passing() (Claims, Setup) {
	return Claims{Issuer: issuer, Audience: []string{"x", issuer}, Subject: subject, Expires: noon.Add(time.Hour), NotBefore: noon.Add(-time.Hour), KeyID: "k1"},
		Setup{ServiceAccountID: account, Links: []Link{{
			FederationID: "ajefederation", Issuer: issuer, Audiences: []string{issuer, "y"}, Keys: Keys{URL: "https://keys", IDs: []string{"k0", "k1"}},
			ServiceAccountID: account, Subject: subject,
		}}}
}

func TestWhatPassesHasNoDifference(t *testing.T) {
	claims, setup := passing()
	for name, change := range map[string]func(){
		"as it is":           func() {},
		"no kid and one key": func() { claims.KeyID, setup.Links[0].Keys.IDs = "", []string{"k1"} },
		"keys not looked at": func() { setup.Links[0].Keys = Keys{} },
		"several credentials": func() {
			wrong := setup.Links[0]
			wrong.Subject = "another"
			setup.Links = append([]Link{wrong}, setup.Links...)
		},
		"somebody else has the same": func() {
			others := setup.Links[0]
			others.ServiceAccountID = other
			setup.Links = append([]Link{others}, setup.Links...)
		},
		"no nbf": func() { claims.NotBefore = time.Time{} },
	} {
		claims, setup = passing()
		change()
		e := Explain(claims, setup, noon)
		if first, ok := e.First(); ok || !strings.Contains(e.String(), "as far as its claims tell") {
			t.Errorf("%s: %+v", name, first)
		}
		if strings.Contains(e.Table(), "<--") {
			t.Errorf("%s:\n%s", name, e.Table())
		}
	}
}

// One thing is changed of what passes, and it is named, with both sides.
func TestEveryDifferenceIsNamed(t *testing.T) {
	type change = func(*Claims, *Setup, *Link)
	for _, tc := range []struct {
		title  string
		change change
		name   string
		about  string
		says   []string
	}{
		{"slash at the token's iss", func(c *Claims, _ *Setup, _ *Link) { c.Issuer += "/" }, TrailingSlash, "iss", []string{issuer + `/"`, "to the letter"}},
		{"slash at the issuer", func(_ *Claims, _ *Setup, l *Link) { l.Issuer += "/" }, TrailingSlash, "iss", []string{issuer + `/"`}},
		{"iss in capitals", func(c *Claims, _ *Setup, _ *Link) { c.Issuer = strings.ToUpper(c.Issuer) }, LetterCase, "iss", nil},
		{"iss of http", func(c *Claims, _ *Setup, _ *Link) { c.Issuer = strings.Replace(c.Issuer, "https", "http", 1) }, OtherScheme, "iss", []string{`"http://`}},
		{"iss with a space", func(c *Claims, _ *Setup, _ *Link) { c.Issuer += " " }, Whitespace, "iss", nil},
		{"another iss", func(c *Claims, _ *Setup, _ *Link) { c.Issuer = "https://other" }, OtherIssuer, "iss", []string{"https://other", issuer}},
		{"no iss", func(c *Claims, _ *Setup, _ *Link) { c.Issuer = "" }, OtherIssuer, "iss", nil},

		{"no aud", func(c *Claims, _ *Setup, _ *Link) { c.Audience = nil }, AudienceMissing, "aud", []string{"has no aud"}},
		{"aud is the account", func(c *Claims, _ *Setup, _ *Link) { c.Audience = []string{account} }, AudienceIsAccount, "aud", []string{account, "`audience` alone"}},
		{"slash at aud", func(c *Claims, _ *Setup, _ *Link) { c.Audience = []string{"x", issuer + "/"} }, TrailingSlash, "aud", nil},
		{"aud in capitals", func(c *Claims, _ *Setup, _ *Link) { c.Audience = []string{"Y"} }, LetterCase, "aud", nil},
		{"another aud", func(c *Claims, _ *Setup, _ *Link) { c.Audience = []string{"z"} }, OtherAudience, "aud", []string{`"z"`, `"y"`}},
		{"a federation without audiences", func(_ *Claims, _ *Setup, l *Link) { l.Audiences = nil }, OtherAudience, "aud", nil},

		{"another key", func(c *Claims, _ *Setup, _ *Link) { c.KeyID = "k2" }, KidNotInJWKS, "kid", []string{`"k2"`, `"k0" "k1"`, "https://keys"}},
		{"no kid", func(c *Claims, _ *Setup, _ *Link) { c.KeyID = "" }, KidMissing, "kid", []string{"2 keys"}},
		{"keys away", func(_ *Claims, _ *Setup, l *Link) {
			l.Keys = Keys{URL: "https://keys", Problem: JWKSUnreachable, Detail: "no such host"}
		}, JWKSUnreachable, "kid", []string{"no such host"}},
		{"keys are private", func(_ *Claims, _ *Setup, l *Link) {
			l.Keys = Keys{URL: "https://keys", Problem: JWKSPrivate, Detail: "403"}
		}, JWKSPrivate, "kid", []string{"everybody"}},

		{"another key of the same kid", func(_ *Claims, _ *Setup, l *Link) { l.Keys.Unverified = "no match" }, SignatureInvalid, "kid", []string{"no match", "https://keys"}},

		{"another namespace", func(c *Claims, _ *Setup, _ *Link) { c.Subject = "system:serviceaccount:default:app" }, OtherNamespace, "sub", []string{"default:app", subject}},
		{"another account", func(c *Claims, _ *Setup, _ *Link) { c.Subject = "system:serviceaccount:wlif:default" }, OtherAccount, "sub", []string{"serviceAccountName"}},
		{"both", func(c *Claims, _ *Setup, _ *Link) { c.Subject = "system:serviceaccount:a:b" }, OtherSubject, "sub", nil},
		{"a system of another kind", func(c *Claims, _ *Setup, _ *Link) { c.Subject = "repo:a/b" }, OtherSubject, "sub", nil},
		{"sub in capitals", func(_ *Claims, _ *Setup, l *Link) { l.Subject = strings.ToUpper(l.Subject) }, LetterCase, "sub", []string{"federated credential"}},
		{"a space behind the subject", func(_ *Claims, _ *Setup, l *Link) { l.Subject += " " }, Whitespace, "sub", []string{`app "`}},
		{"a wildcard", func(_ *Claims, _ *Setup, l *Link) { l.Subject = "system:serviceaccount:wlif:*" }, WildcardIsLiteral, "sub", []string{"character by character"}},
		{"no sub", func(c *Claims, _ *Setup, _ *Link) { c.Subject = "" }, SubjectMissing, "sub", nil},

		{"expired", func(c *Claims, _ *Setup, _ *Link) { c.Expires = noon }, Expired, "exp", []string{"2026-11-21T12:00:00Z"}},
		{"no exp", func(c *Claims, _ *Setup, _ *Link) { c.Expires = time.Time{} }, ExpiryMissing, "exp", nil},
		{"not yet valid", func(c *Claims, _ *Setup, _ *Link) { c.NotBefore = noon.Add(time.Minute) }, NotYetValid, "exp", []string{"2026-11-21T12:01:00Z"}},

		{"disabled", func(_ *Claims, _ *Setup, l *Link) { l.Disabled = true }, FederationDisabled, "federation", []string{"ajefederation"}},
		{"suspended", func(_ *Claims, s *Setup, _ *Link) { s.Suspended = true }, AccountSuspended, "account", []string{account}},
		{"no credential", func(_ *Claims, _ *Setup, l *Link) { l.ServiceAccountID, l.Subject = "", "" }, NoCredential, "credential", []string{account, "ajefederation"}},
		{"no federation", func(_ *Claims, s *Setup, _ *Link) { s.Links = nil }, NoCredential, "credential", []string{account}},
		{"of another account", func(_ *Claims, _ *Setup, l *Link) { l.ServiceAccountID = other }, CredentialOfAnother, "credential", []string{other, account}},
		{"of another account, and one's own for another pod", func(_ *Claims, s *Setup, l *Link) {
			own := *l
			own.Subject = "system:serviceaccount:wlif:other"
			l.ServiceAccountID = other
			s.Links = append(s.Links, own)
		}, CredentialOfAnother, "credential", []string{other}},
		{"another account's credential for another pod", func(_ *Claims, _ *Setup, l *Link) { l.ServiceAccountID, l.Subject = other, "x" }, NoCredential, "credential", nil},
	} {
		t.Run(tc.title, func(t *testing.T) {
			claims, setup := passing()
			tc.change(&claims, &setup, &setup.Links[0])
			e := Explain(claims, setup, noon)
			if len(e.Differences) != 1 || e.Differences[0].Name != tc.name || e.Differences[0].About != tc.about || e.Differences[0].Remedy == "" {
				t.Fatalf("differences %+v", e.Differences)
			}
			for _, want := range append(tc.says, tc.name) {
				if !strings.Contains(e.String(), want) {
					t.Errorf("it does not say %q: %s", want, e)
				}
			}
			var marked []string
			for line := range strings.Lines(e.Table()) {
				if strings.Contains(line, "<-- "+tc.name) {
					marked = append(marked, strings.Fields(line)[0])
				}
			}
			if !slices.Equal(marked, []string{tc.about}) {
				t.Errorf("the arrow is at %q:\n%s", marked, e.Table())
			}
		})
	}
}

// Of several credentials the one that comes nearest is shown, and of several
// differences the first is pointed at.
func TestTheNearestCredentialIsCompared(t *testing.T) {
	claims, setup := passing()
	near, far := setup.Links[0], setup.Links[0]
	near.Subject = strings.ToUpper(subject)
	far.Subject, far.Disabled = "x", true
	vague := setup.Links[0]
	vague.Subject = "x"
	setup.Links = []Link{far, vague, near}
	claims.Expires = noon.Add(-time.Hour)
	e := Explain(claims, setup, noon)
	if e.Link.Subject != near.Subject || len(e.Differences) != 2 {
		t.Errorf("link %+v, differences %+v", e.Link, e.Differences)
	}
	if text := e.String(); !strings.HasPrefix(text, "expired: ") || !strings.Contains(text, "Also case: ") {
		t.Error(text)
	}
	if table := e.Table(); !strings.Contains(table, "<-- expired") || !strings.Contains(table, "(also: case)") {
		t.Error(table)
	}
}
