package conformance

import "slices"

const areaExchange = "exchange"

// What an exchange that meets every condition does, and what a refusal looks like.
const (
	ExchangeBearerToken              = "exchange/bearer-token"
	ExchangeNotCacheable             = "exchange/not-cacheable"
	ExchangeIssuedTokenType          = "exchange/issued-token-type"
	ExchangeAlgorithms               = "exchange/algorithms"
	ExchangeAudArrayWithMatch        = "exchange/aud-array-with-match"
	ExchangeExtraParametersIgnored   = "exchange/extra-parameters-ignored"
	ExchangeEmptyScopeTolerated      = "exchange/empty-scope-tolerated"
	ExchangeRepeatable               = "exchange/repeatable"
	ExchangeConcurrent               = "exchange/concurrent"
	ExchangeJWTSubjectTokenType      = "exchange/jwt-subject-token-type"
	ExchangeTwoFederationsSameIssuer = "exchange/two-federations-same-issuer"
	ExchangeSAInAnotherFolder        = "exchange/sa-in-another-folder"
	ExchangeNoExistenceOracle        = "exchange/no-existence-oracle"
	ExchangeRefusalShape             = "exchange/refusal-shape"
)

// Signatures that must not pass.
const (
	ExchangeWrongKeySameKid    = "exchange/wrong-key-same-kid"
	ExchangeTamperedPayload    = "exchange/tampered-payload"
	ExchangeAlgNone            = "exchange/alg-none"
	ExchangeHS256WithPublicKey = "exchange/hs256-with-public-key"
	ExchangeUnknownKid         = "exchange/unknown-kid"
	ExchangeMissingKid         = "exchange/missing-kid"
	ExchangeEmbeddedJWK        = "exchange/embedded-jwk"
	ExchangeJKU                = "exchange/jku"
	ExchangeX5U                = "exchange/x5u"
	ExchangeCritHeader         = "exchange/crit-header"
	ExchangeAlgMismatchWithKey = "exchange/alg-mismatch-with-key"
	ExchangeTruncated          = "exchange/truncated"
	ExchangeEmpty              = "exchange/empty"
	ExchangeNotAJWT            = "exchange/not-a-jwt"
	ExchangeOversized          = "exchange/oversized"
)

// Tokens at the wrong time.
const (
	ExchangeExpired     = "exchange/expired"
	ExchangeNbfInFuture = "exchange/nbf-in-future"
	ExchangeExpMissing  = "exchange/exp-missing"
	ExchangeIatInFuture = "exchange/iat-in-future"
	ExchangeExpAsString = "exchange/exp-as-string"
	ExchangeClockSkew   = "exchange/clock-skew"
)

// Claims that are not those of the federation and the credential.
const (
	ExchangeIssOther           = "exchange/iss-other"
	ExchangeIssTrailingSlash   = "exchange/iss-trailing-slash"
	ExchangeIssHTTP            = "exchange/iss-http"
	ExchangeIssCase            = "exchange/iss-case"
	ExchangeAudOther           = "exchange/aud-other"
	ExchangeAudArrayNoMatch    = "exchange/aud-array-no-match"
	ExchangeAudMissing         = "exchange/aud-missing"
	ExchangeAudEmpty           = "exchange/aud-empty"
	ExchangeAudIsSAID          = "exchange/aud-is-sa-id"
	ExchangeSubOtherNamespace  = "exchange/sub-other-namespace"
	ExchangeSubOtherAccount    = "exchange/sub-other-account"
	ExchangeSubPrefix          = "exchange/sub-prefix"
	ExchangeSubSuffix          = "exchange/sub-suffix"
	ExchangeSubCase            = "exchange/sub-case"
	ExchangeSubMissing         = "exchange/sub-missing"
	ExchangeSubWildcardNoMatch = "exchange/sub-wildcard-credential-does-not-match"
)

// Requests that are not the documented one.
const (
	ExchangeParameterMissing   = "exchange/parameter-missing"
	ExchangeParameterEmpty     = "exchange/parameter-empty"
	ExchangeParameterTwice     = "exchange/parameter-twice"
	ExchangeURNWrong           = "exchange/urn-wrong"
	ExchangeGrantUnknown       = "exchange/grant-unknown"
	ExchangeMethodGet          = "exchange/method-get"
	ExchangeJSONBody           = "exchange/json-body"
	ExchangeContentTypeMissing = "exchange/content-type-missing"
	ExchangeTokenWithNewline   = "exchange/token-with-newline"
)

// Federations, credentials and service accounts that are no longer, or not, what a token needs.
const (
	ExchangeFederationDisabled  = "exchange/federation-disabled"
	ExchangeFederationDeleted   = "exchange/federation-deleted"
	ExchangeCredentialDeleted   = "exchange/credential-deleted"
	ExchangeCredentialOfOtherSA = "exchange/credential-of-other-sa"
	ExchangeSAUnknown           = "exchange/sa-unknown"
	ExchangeSAUnlinked          = "exchange/sa-unlinked"
	ExchangeSASuspended         = "exchange/sa-suspended"
	ExchangeSADeleted           = "exchange/sa-deleted"
	ExchangeAudienceRemoved     = "exchange/audience-removed"
	ExchangeJWKSURLChanged      = "exchange/jwks-url-changed"
	ExchangeSigningKeyRetired   = "exchange/signing-key-retired"
)

// Tokens that a cluster signed.
const (
	ExchangeTokenOfOtherCluster  = "exchange/token-of-another-cluster"
	ExchangeOtherClusterSameIss  = "exchange/token-of-another-cluster-same-issuer-string"
	ExchangeClusterOtherAudience = "exchange/cluster-signed-token-for-another-audience"
)

// Key sets that cannot be had, or not safely.
const (
	ExchangeJWKS404           = "exchange/jwks-404"
	ExchangeJWKS500           = "exchange/jwks-500"
	ExchangeJWKSTimeout       = "exchange/jwks-timeout"
	ExchangeJWKSHTML          = "exchange/jwks-html"
	ExchangeJWKSHuge          = "exchange/jwks-huge"
	ExchangeJWKSSelfSignedTLS = "exchange/jwks-self-signed-tls"
	ExchangeJWKSRedirect      = "exchange/jwks-redirect"
	ExchangeJWKSWrongKeyType  = "exchange/jwks-wrong-key-type"
	ExchangeJWKSFlood         = "exchange/jwks-flood"
)

func exchangeArea() []Requirement {
	return area(areaExchange, slices.Concat(
		exchangeAnswers(), exchangeSignatures(), exchangeTimes(), exchangeClaims(), exchangeRequests(),
		exchangeStates(), exchangeClusters(), exchangeKeySets(),
	))
}

// exchangeInstruction is the one page that shows the request and its answer.
func exchangeInstruction() Source {
	return wlifSetup("Exchange a JWT for an IAM token", "exchange-jwt-for-iam")
}

// ownIssuer is what checks need that forge tokens: a place to publish keys.
var ownIssuer = []Feature{ObjectStorage}

func exchangeAnswers() []Requirement {
	successful := []Source{exchangeInstruction(), rfc(8693, "2.2.1 Successful Response"), rfc(6749, "5.1 Successful Response")}
	return alike(Requirement{Level: Must, Severity: Major, Features: ownIssuer}, []Requirement{
		{
			ID:          ExchangeBearerToken,
			Statement:   "An exchange that meets every condition MUST be answered with 200, JSON, token_type Bearer, an expires_in of 1 to 43200 seconds and an IAM token that opens the API as the linked service account.",
			Severity:    Critical,
			Sources:     successful,
			Remediation: "Answer as RFC 8693 section 2.2.1 says, with a token of the service account that `audience` names and a life of at most 12 hours.",
		},
		{
			ID:          ExchangeNotCacheable,
			Statement:   "An answer with an IAM token SHOULD have the header Cache-Control with no-store.",
			Level:       Should,
			Severity:    Minor,
			Sources:     []Source{rfc(6749, "5.1 Successful Response")},
			Remediation: "Send Cache-Control: no-store with every answer of the token endpoint, so that no proxy keeps a token.",
		},
		{
			ID:          ExchangeIssuedTokenType,
			Statement:   "RECORD whether an answer with an IAM token has the issued_token_type that RFC 8693 demands and the documentation does not show.",
			Level:       Record,
			Severity:    Minor,
			Sources:     []Source{rfc(8693, "2.2.1 Successful Response"), exchangeInstruction()},
			Remediation: "Tell clients that need issued_token_type (RFC 8693 libraries) to do without it if it is missing.",
		},
		{
			ID:          ExchangeAlgorithms,
			Statement:   "RECORD which signature algorithms of subject tokens are accepted, of RS256, PS256, ES256 and EdDSA.",
			Level:       Record,
			Sources:     []Source{rfc(7518, "3.1 \"alg\" (Algorithm) Header Parameter Values for JWS"), wlifConcepts("How a federation works")},
			Remediation: "Let the issuer sign with an algorithm that is accepted; Kubernetes signs with RS256 unless its service account key is another.",
		},
		{
			ID:          ExchangeAudArrayWithMatch,
			Statement:   "A subject token whose aud is an array with several values, one of which is an audience of the federation, MUST be accepted.",
			Sources:     []Source{rfc(7519, "4.1.3 \"aud\" (Audience) Claim")},
			Remediation: "Accept a token if any one value of its aud is any one audience of the federation.",
		},
		{
			ID:          ExchangeExtraParametersIgnored,
			Statement:   "Parameters of a request that the endpoint does not know MUST be ignored.",
			Severity:    Minor,
			Sources:     []Source{rfc(6749, "3.2 Token Endpoint")},
			Remediation: "Ignore unknown parameters: OAuth libraries send some of their own.",
		},
		{
			ID:          ExchangeEmptyScopeTolerated,
			Statement:   "A scope without a value MUST be treated as if it were not there.",
			Severity:    Minor,
			Sources:     []Source{rfc(6749, "3.2 Token Endpoint"), rfc(8693, "2.1 Request")},
			Remediation: "Treat parameters without a value as omitted: OAuth libraries send an empty scope.",
		},
		{
			ID:          ExchangeRepeatable,
			Statement:   "RECORD whether one subject token can be exchanged more than once.",
			Level:       Record,
			Sources:     []Source{rfc(8693, "2.1 Request"), exchangeInstruction()},
			Remediation: "If each subject token is good for one exchange, fetch a new one for each: a projected token stays the same for most of its life.",
		},
		{
			ID:          ExchangeConcurrent,
			Statement:   "64 exchanges at the same time, each with a token of its own, MUST all be accepted.",
			Sources:     []Source{exchangeInstruction()},
			Remediation: "Serve the start of a deployment with many pods: fetch an issuer's keys once for all that ask at the same time.",
		},
		{
			ID:          ExchangeJWTSubjectTokenType,
			Statement:   "RECORD whether a subject_token_type of urn:ietf:params:oauth:token-type:jwt is accepted.",
			Level:       Record,
			Severity:    Minor,
			Sources:     []Source{rfc(8693, "3 Token Type Identifiers"), exchangeInstruction()},
			Remediation: "Send urn:ietf:params:oauth:token-type:id_token, the documented value.",
		},
		{
			ID:          ExchangeTwoFederationsSameIssuer,
			Statement:   "Of two federations with the same issuer each MUST let its tokens in for the service accounts that are linked to it, and for no other.",
			Severity:    Critical,
			Sources:     []Source{wlifConcepts("How a federation works"), wlifConcepts("Federated credentials")},
			Remediation: "Choose the federation by the links of the service account that is asked for, never by the issuer alone.",
		},
		{
			ID:          ExchangeSAInAnotherFolder,
			Statement:   "A service account in another folder than the federation MUST be able to be linked to it and to be exchanged for.",
			Features:    []Feature{ObjectStorage, SecondFolder},
			Sources:     []Source{wlifConcepts("Federated credentials")},
			Remediation: "Look for the service account in every folder of the cloud, not in the federation's alone.",
		},
		{
			ID:        ExchangeNoExistenceOracle,
			Statement: "A service account that does not exist and one that is not linked SHOULD be refused with the same status, error and description.",
			Level:     Should,
			Severity:  Minor,
			Sources: []Source{
				{Document: "CWE-204", Clause: "Observable Response Discrepancy", URL: "https://cwe.mitre.org/data/definitions/204.html"},
				rfc(6749, "5.2 Error Response"),
			},
			Remediation: "Answer both alike, so that nobody can find out which service accounts exist.",
		},
		{
			ID:          ExchangeRefusalShape,
			Statement:   "A refusal MUST be JSON with an error code of RFC 6749 or RFC 8693 and an error_description, without an IAM token and without the subject token.",
			Sources:     []Source{rfc(8693, "2.2.2 Error Response"), rfc(6749, "5.2 Error Response"), rfc(6749, "4.1.2.1 Error Response")},
			Remediation: "Answer as RFC 6749 section 5.2 says, and never quote a token: error answers end up in logs.",
		},
	})
}
