package bugs

// unverified are the requirements that hold only if a signature is verified.
var unverified = []string{
	"exchange/wrong-key-same-kid", "exchange/tampered-payload", "exchange/alg-none", "exchange/hs256-with-public-key",
	"exchange/unknown-kid", "exchange/embedded-jwk", "exchange/jku", "exchange/x5u", "exchange/crit-header",
	"exchange/alg-mismatch-with-key", "exchange/truncated", "exchange/empty",
	"exchange/jwks-url-changed", "exchange/signing-key-retired", "exchange/token-of-another-cluster-same-issuer-string",
	"exchange/jwks-404", "exchange/jwks-500", "exchange/jwks-timeout", "exchange/jwks-html", "exchange/jwks-huge",
	"exchange/jwks-self-signed-tls", "exchange/jwks-wrong-key-type",
	"custom/private-bucket-jwks", "custom/stale-jwks",
}

// Reasons for which more checks than one must may notice a bug of the signature.
const (
	twoIssuersByKey = "its two federations may differ in their keys alone"
	floodIsAccepted = "its unknown kids are accepted instead of refused"
)

// token is how a subject token is taken apart and its signature verified
// (RFC 7515, RFC 8725).
var token = in("token",
	Bug{Name: "SignatureNotVerified",
		Doc:      "The token is decoded, not verified: the code calls its library's decode function where it should call verify.",
		MustKill: unverified,
		MayKill:  []May{{"exchange/two-federations-same-issuer", twoIssuersByKey}, {"exchange/jwks-flood", floodIsAccepted}}},
	Bug{Name: "InvalidSignatureAccepted",
		Doc: "The key is looked up and the signature is checked, but the error of the check is dropped.",
		MustKill: []string{"exchange/wrong-key-same-kid", "exchange/tampered-payload", "exchange/truncated", "exchange/empty",
			"exchange/embedded-jwk", "exchange/jku", "exchange/x5u"},
		MayKill: []May{{"exchange/alg-mismatch-with-key", "a signature by another kind of key under an unchanged header is merely invalid"},
			{"exchange/token-of-another-cluster-same-issuer-string", "the token may name a key that the cluster publishes"},
			{"exchange/two-federations-same-issuer", twoIssuersByKey}}},
	Bug{Name: "AlgNoneAccepted",
		Doc:      "A token whose header says alg none, in any spelling, needs no signature (RFC 8725 2.1; CVE-2022-23540 of jsonwebtoken).",
		MustKill: []string{"exchange/alg-none"}},
	Bug{Name: "HS256WithPublicKeyAccepted",
		Doc:      "The header chooses the algorithm, and with HS256 the issuer's public key is the secret, which everybody knows (RFC 8725 2.1; CVE-2016-10555 of jwt-simple, CVE-2015-9235 of jsonwebtoken).",
		MustKill: []string{"exchange/hs256-with-public-key"}},
	Bug{Name: "UnknownKidSkipsSignature",
		Doc: "A key that cannot be found ends the verification as if it had succeeded: the lookup returns nothing, and nothing is no error.",
		MustKill: []string{"exchange/unknown-kid", "exchange/signing-key-retired", "exchange/jwks-url-changed",
			"exchange/token-of-another-cluster-same-issuer-string", "custom/stale-jwks"},
		MayKill: []May{{"exchange/two-federations-same-issuer", twoIssuersByKey}, {"exchange/jwks-flood", floodIsAccepted},
			{"exchange/alg-mismatch-with-key", "the other algorithm may be that of a key with a kid of its own"},
			{"exchange/embedded-jwk", "the key that is brought along may have a kid of its own"},
			{"exchange/jku", "the key that is pointed to may have a kid of its own"}}},
	Bug{Name: "EmbeddedJWKTrusted",
		Doc:      "A key in the token's own header (jwk) verifies the token (CVE-2018-0114 of node-jose).",
		MustKill: []string{"exchange/embedded-jwk"}},
	Bug{Name: "JkuFollowed",
		Doc:      "The key set is fetched from where the token's own header points to (jku), instead of from the federation's jwks_url (RFC 8725 3.10).",
		MustKill: []string{"exchange/jku"}},
	Bug{Name: "X5uFollowed",
		Doc:      "The certificate that the token's own header points to (x5u) verifies the token, whoever signed it (RFC 7515 4.1.5 wants a chain that is validated).",
		MustKill: []string{"exchange/x5u"}},
	Bug{Name: "CritIgnored",
		Doc:      "The header parameter crit, which names extensions that a verifier must understand or refuse the token, is not looked at (RFC 7515 4.1.11).",
		MustKill: []string{"exchange/crit-header"}},
	Bug{Name: "AlgorithmNotCompared",
		Doc:      "Any key of the set may verify by any algorithm that it can, whatever the header's alg, the key's alg and its kid say (RFC 8725 3.1).",
		MustKill: []string{"exchange/alg-mismatch-with-key"},
		MayKill:  []May{{"exchange/jwks-wrong-key-type", "its key set may hold the signing key under another kid"}}},
	Bug{Name: "ShortSignatureAccepted",
		Doc:      "A signature that is shorter than the key's signatures is not verified: a comparison runs over as many bytes as were sent.",
		MustKill: []string{"exchange/truncated", "exchange/empty"},
		MayKill:  []May{{"exchange/alg-mismatch-with-key", "a signature by an EC key is shorter than one by an RSA key"}}},
	Bug{Name: "OpaqueTokenAccepted",
		Doc:      "What does not begin with a JSON object is taken for an opaque token that another service has checked.",
		MustKill: []string{"exchange/not-a-jwt", "exchange/empty"},
		MayKill:  []May{{"exchange/truncated", "so little may be left of the token that its header is gone too"}}},
	Bug{Name: "OversizedTokenAccepted",
		Doc:      "Neither the request nor the token is bounded in size, so that anybody can fill the memory of the service.",
		MustKill: []string{"exchange/oversized"}},
)
