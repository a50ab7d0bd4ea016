package exchange

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Setup is what the cloud knows about a service account that a token is exchanged
// for.
type Setup struct {
	// ServiceAccountID is the one that the exchange names as its `audience`.
	ServiceAccountID string
	// Suspended accounts cannot authenticate.
	Suspended bool
	// Expires is when the account ends; zero: never.
	Expires time.Time
	// Links are the federated credentials that may let the token in, of this
	// account and of others. A federation without any stands in one link without an
	// account.
	Links []Link
}

// Link is a federation and one of its federated credentials.
type Link struct {
	FederationID string
	Issuer       string
	Audiences    []string
	Disabled     bool
	// Keys are the federation's; without a URL they were not looked at.
	Keys Keys
	// ServiceAccountID has the credential, Subject is what the credential lets in.
	ServiceAccountID string
	Subject          string
}

// Difference is one reason why a token is not let in.
type Difference struct {
	// Name is short and stable: one of the constants.
	Name string
	// About is the line of the comparison that it belongs to.
	About string
	// Text sets both sides beside each other, Remedy says what to do.
	Text, Remedy string
}

// Explanation sets a token beside the link that comes nearest to letting it in.
type Explanation struct {
	Claims Claims
	Link   Link
	// Differences are in the order in which they are best mended. Without any the
	// setup gives no reason to refuse the token.
	Differences []Difference

	setup Setup
	now   time.Time
}

// Explain compares the claims of a token, which are not verified, with a setup at
// a time.
func Explain(claims Claims, setup Setup, now time.Time) Explanation {
	e := Explanation{Claims: claims, setup: setup, now: now}
	e.Differences = append(e.Differences, timeDifferences(claims, now)...)
	if setup.Suspended {
		e.Differences = append(e.Differences, difference(AccountSuspended, aboutAccount, "the service account %s is suspended", setup.ServiceAccountID))
	}
	if !setup.Expires.IsZero() && !setup.Expires.After(now) {
		e.Differences = append(e.Differences, difference(AccountExpired, aboutAccount, "the service account %s expired at %s",
			setup.ServiceAccountID, setup.Expires.UTC().Format(time.RFC3339)))
	}
	link, found := nearest(claims, setup)
	e.Link = link
	e.Differences = append(e.Differences, found...)
	return e
}

// First is the difference to mend first; ok is false when there is none.
func (e Explanation) First() (d Difference, ok bool) {
	if len(e.Differences) == 0 {
		return Difference{}, false
	}
	return e.Differences[0], true
}

// Linked says whether the account has a credential for the token's subject.
func (e Explanation) Linked() bool {
	return !slices.ContainsFunc(e.Differences, func(d Difference) bool { return d.About == aboutCredential || d.About == aboutSubject })
}

// nearest finds the link with the fewest differences. One of another account
// that would let the token in explains more than one's own that does not.
func nearest(c Claims, setup Setup) (Link, []Difference) {
	var (
		best      Link
		found     []Difference
		own       bool
		elsewhere *Link
	)
	for _, l := range setup.Links {
		differs := l.differences(c, setup.ServiceAccountID)
		if l.ServiceAccountID != setup.ServiceAccountID {
			if l.ServiceAccountID != "" && len(differs) == 0 && elsewhere == nil {
				elsewhere = &l
			}
			if own || best.FederationID != "" {
				continue
			}
			best, found = l, differs
			continue
		}
		if !own || rank(differs) < rank(found) {
			best, found, own = l, differs, true
		}
	}
	switch {
	case elsewhere != nil && (!own || len(found) > 0):
		return *elsewhere, []Difference{difference(CredentialOfAnother, aboutCredential,
			"the credential with the token's subject belongs to the service account %s, and the exchange asks for %s", elsewhere.ServiceAccountID, setup.ServiceAccountID)}
	case !own:
		missing := difference(NoCredential, aboutCredential, "the service account %s has no federated credential of the federation %s",
			setup.ServiceAccountID, cmp.Or(best.FederationID, "that is meant"))
		best.Subject = ""
		return best, append([]Difference{missing}, slices.DeleteFunc(found, func(d Difference) bool { return d.About == aboutSubject })...)
	}
	return best, found
}

// rank orders by the number of differences, and those first whose last one has a
// name of its own: "another subject" says nothing.
func rank(differs []Difference) int {
	n := 2 * len(differs)
	if slices.ContainsFunc(differs, func(d Difference) bool { return d.Name == OtherSubject }) {
		n++
	}
	return n
}

func timeDifferences(c Claims, now time.Time) []Difference {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case c.Expires.IsZero():
		return []Difference{difference(ExpiryMissing, aboutExpiry, "the token has no exp")}
	case !c.Expires.After(now):
		return []Difference{difference(Expired, aboutExpiry, "the token expired at %s, and it is %s", at(c.Expires), at(now))}
	case c.NotBefore.After(now):
		return []Difference{difference(NotYetValid, aboutExpiry, "the token is valid from %s on, and it is %s", at(c.NotBefore), at(now))}
	}
	return nil
}

// differences compares a token with a federation and one of its credentials.
func (l Link) differences(c Claims, accountID string) []Difference {
	var found []Difference
	if l.Disabled {
		found = append(found, difference(FederationDisabled, aboutFederation, "the federation %s is disabled", l.FederationID))
	}
	if name := likeness(c.Issuer, l.Issuer, OtherIssuer); name != "" {
		found = append(found, difference(name, aboutIssuer, "the token's iss is %q, the federation's issuer %q", c.Issuer, l.Issuer))
	}
	found = append(found, l.Keys.differences(c)...)
	found = append(found, l.audienceDifferences(c, accountID)...)
	if name := subjectLikeness(c.Subject, l.Subject); name != "" {
		found = append(found, difference(name, aboutSubject, "the token's sub is %q, the credential's subject %q", c.Subject, l.Subject))
	}
	return found
}

func (k Keys) differences(c Claims) []Difference {
	switch {
	case k.URL == "":
		return nil
	case k.Problem != "":
		return []Difference{difference(k.Problem, aboutKey, "the federation's keys at %s: %s", k.URL, k.Detail)}
	case c.KeyID == "" && len(k.IDs) != 1:
		return []Difference{difference(KidMissing, aboutKey, "the token's header has no kid, and there are %d keys at %s", len(k.IDs), k.URL)}
	case c.KeyID != "" && !slices.Contains(k.IDs, c.KeyID):
		return []Difference{difference(KidNotInJWKS, aboutKey, "the token is signed with the key %q, and %s has %q", c.KeyID, k.URL, k.IDs)}
	case k.Unverified != "":
		return []Difference{difference(SignatureInvalid, aboutKey, "%s, published at %s", k.Unverified, k.URL)}
	}
	return nil
}

func (l Link) audienceDifferences(c Claims, accountID string) []Difference {
	name, both := OtherAudience, fmt.Sprintf("the token's aud is %q, the federation's audiences are %q", c.Audience, l.Audiences)
	switch {
	case slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(l.Audiences, a) }):
		return nil
	case len(c.Audience) == 0:
		name, both = AudienceMissing, fmt.Sprintf("the token has no aud, the federation's audiences are %q", l.Audiences)
	case accountID != "" && slices.Contains(c.Audience, accountID):
		name = AudienceIsAccount
	default:
		for _, has := range c.Audience {
			for _, wants := range l.Audiences {
				if like := likeness(has, wants, OtherAudience); like != OtherAudience {
					name = like
				}
			}
		}
	}
	return []Difference{difference(name, aboutAudience, "%s", both)}
}

// likeness names how two texts that should be the same differ; "" is not at all.
func likeness(has, wants, other string) string {
	slashless := func(s string) string { return strings.TrimRight(s, "/") }
	_, hasRest, hasScheme := strings.Cut(has, "://")
	_, wantsRest, wantsScheme := strings.Cut(wants, "://")
	switch {
	case has == wants:
		return ""
	case strings.TrimSpace(has) == strings.TrimSpace(wants):
		return Whitespace
	case slashless(has) == slashless(wants):
		return TrailingSlash
	case strings.EqualFold(has, wants):
		return LetterCase
	case hasScheme && wantsScheme && hasRest == wantsRest:
		return OtherScheme
	}
	return other
}

// serviceAccountSubject begins the subject of every Kubernetes service account:
// system:serviceaccount:NAMESPACE:NAME.
const serviceAccountSubject = "system:serviceaccount:"

func subjectLikeness(has, wants string) string {
	if has == "" && wants != "" {
		return SubjectMissing
	}
	if name := likeness(has, wants, OtherSubject); name != OtherSubject {
		return name
	}
	if before, _, wild := strings.Cut(wants, "*"); wild && strings.HasPrefix(has, before) {
		return WildcardIsLiteral
	}
	hasRest, ok := strings.CutPrefix(has, serviceAccountSubject)
	wantsRest, too := strings.CutPrefix(wants, serviceAccountSubject)
	if !ok || !too {
		return OtherSubject
	}
	hasNamespace, hasName, _ := strings.Cut(hasRest, ":")
	wantsNamespace, wantsName, _ := strings.Cut(wantsRest, ":")
	switch {
	case hasName == wantsName:
		return OtherNamespace
	case hasNamespace == wantsNamespace:
		return OtherAccount
	}
	return OtherSubject
}
