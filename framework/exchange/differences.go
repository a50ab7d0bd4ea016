package exchange

import "fmt"

// Names of differences.
const (
	TrailingSlash = "trailing slash"
	LetterCase    = "case"
	Whitespace    = "whitespace"
	OtherScheme   = "http or https"
	OtherIssuer   = "another issuer"

	AudienceMissing   = "audience missing"
	AudienceIsAccount = "audience is the SA id"
	OtherAudience     = "another audience"

	SubjectMissing    = "subject missing"
	OtherNamespace    = "another namespace"
	OtherAccount      = "another Kubernetes service account"
	WildcardIsLiteral = "wildcard in the subject"
	OtherSubject      = "another subject"

	KidMissing      = "kid missing"
	KidNotInJWKS    = "kid not in JWKS"
	JWKSUnreachable = "JWKS unreachable"
	JWKSPrivate     = "JWKS not public"
	JWKSUnreadable  = "JWKS unreadable"
	// SignatureInvalid: the key of the token's kid is another one.
	SignatureInvalid = "signature does not verify"

	Expired       = "expired"
	ExpiryMissing = "expiry missing"
	NotYetValid   = "not yet valid"

	FederationDisabled  = "federation disabled"
	AccountSuspended    = "SA suspended"
	AccountExpired      = "SA expired"
	NoCredential        = "no credential for this federation"
	CredentialOfAnother = "credential on another SA"
)

// The lines of a comparison.
const (
	aboutIssuer     = "iss"
	aboutAudience   = "aud"
	aboutSubject    = "sub"
	aboutKey        = "kid"
	aboutExpiry     = "exp"
	aboutFederation = "federation"
	aboutCredential = "credential"
	aboutAccount    = "account"
)

// remedies say what to do about a difference; those of likeness depend on what
// is compared.
var remedies = map[string]string{
	OtherIssuer: "Create a federation for this issuer; the issuer of a federation cannot be changed.",

	AudienceMissing:   "Ask for a token with one of the federation's audiences.",
	AudienceIsAccount: "The id of the service account belongs into the exchange's `audience` alone; ask for a token whose aud is one of the federation's audiences.",
	OtherAudience:     "Ask for a token with one of the federation's audiences, or add the token's to the federation.",

	SubjectMissing:    "Use a token that names its subject.",
	OtherNamespace:    "Create a federated credential for the pod's own namespace.",
	OtherAccount:      "Set serviceAccountName in the pod, or create a federated credential for the account that it has.",
	WildcardIsLiteral: "Subjects are compared character by character: create a federated credential for each subject.",
	OtherSubject:      "Create a federated credential with exactly the token's sub.",

	KidMissing:       "Sign tokens with a kid in their header, or publish one key only.",
	KidNotInJWKS:     "Publish the issuer's present keys at the federation's JWKS URL: they were rotated, or belong to another issuer.",
	JWKSUnreachable:  "Publish the keys where the cloud can fetch them over HTTPS without credentials.",
	JWKSPrivate:      "Let everybody read the JWKS: the cloud fetches it without credentials.",
	JWKSUnreadable:   "Publish a JSON Web Key Set (RFC 7517) at the federation's JWKS URL.",
	SignatureInvalid: "Publish the key that signs now under its kid, and see that nothing changes the token on its way.",

	Expired:       "Read the token from its file again: a projected token is replaced before it expires.",
	ExpiryMissing: "Use a token with an exp.",
	NotYetValid:   "Compare the clocks of the issuer and of this machine.",

	FederationDisabled:  "Enable the federation.",
	AccountSuspended:    "Reactivate the service account.",
	AccountExpired:      "Move the service account's expiry into the future, or use another one.",
	NoCredential:        "Create a federated credential: service account, federation, and the token's sub as the subject.",
	CredentialOfAnother: "Exchange for that service account, or create a federated credential of the one that is asked for.",
}

// alike are remedies for texts that are almost the same.
var alike = map[string]string{
	aboutIssuer:   "Create a federation whose issuer is the token's iss to the letter; the issuer of a federation cannot be changed.",
	aboutAudience: "Make the token's aud and one of the federation's audiences the same to the letter.",
	aboutSubject:  "Create a federated credential whose subject is the token's sub to the letter.",
}

// RemedyOf says what to do about a difference; empty if that depends on what is compared.
func RemedyOf(name string) string { return remedies[name] }

func difference(name, about, format string, args ...any) Difference {
	remedy, ok := remedies[name]
	if !ok {
		remedy = alike[about]
	}
	return Difference{Name: name, About: about, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}
