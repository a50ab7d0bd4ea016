package bugs

import "slices"

// turnedAway are the requirements whose checks expect a 4xx in whatever form: such a
// request need not get as far as the endpoint's own code.
var turnedAway = []string{"exchange/oversized", "exchange/method-get"}

// refusals are the requirements whose checks expect a refusal of the exchange.
var refusals = []string{
	"exchange/wrong-key-same-kid", "exchange/tampered-payload", "exchange/alg-none", "exchange/hs256-with-public-key", "exchange/unknown-kid",
	"exchange/embedded-jwk", "exchange/jku", "exchange/x5u", "exchange/crit-header", "exchange/alg-mismatch-with-key", "exchange/truncated",
	"exchange/empty", "exchange/not-a-jwt",
	"exchange/expired", "exchange/nbf-in-future", "exchange/exp-missing", "exchange/exp-as-string",
	"exchange/iss-other", "exchange/iss-trailing-slash", "exchange/iss-http", "exchange/iss-case",
	"exchange/aud-other", "exchange/aud-array-no-match", "exchange/aud-missing", "exchange/aud-empty", "exchange/aud-is-sa-id",
	"exchange/sub-other-namespace", "exchange/sub-other-account", "exchange/sub-prefix", "exchange/sub-suffix", "exchange/sub-case",
	"exchange/sub-missing", "exchange/sub-wildcard-credential-does-not-match",
	"exchange/parameter-missing", "exchange/parameter-empty", "exchange/parameter-twice", "exchange/urn-wrong", "exchange/grant-unknown",
	"exchange/federation-disabled", "exchange/federation-deleted", "exchange/credential-deleted", "exchange/credential-of-other-sa",
	"exchange/sa-unknown", "exchange/sa-unlinked", "exchange/sa-suspended", "exchange/sa-deleted", "exchange/audience-removed",
	"exchange/jwks-url-changed", "exchange/signing-key-retired",
	"exchange/token-of-another-cluster", "exchange/token-of-another-cluster-same-issuer-string",
	"exchange/cluster-signed-token-for-another-audience",
	"exchange/refusal-shape", "exchange/two-federations-same-issuer", "exchange/no-existence-oracle",
	"subjects/gitlab-other-branch", "subjects/gitlab-other-project", "subjects/github-immutable-subject", "subjects/github-old-subject-form",
	"subjects/wildcard-is-literal", "custom/private-bucket-jwks", "custom/stale-jwks",
}

// mayRefuse are those whose checks may do so beside what they decide.
var mayRefuse = []May{
	{"exchange/jwks-*", "it may count only whether an IAM token came"},
	{"federation/*", "it may look whether a token is refused"}, {"lifecycle/*", "it may look whether a token is refused"},
	{"issuer/*", "it may look whether a token is refused"},
}

// Reasons for which many checks may notice a wrong answer.
const (
	everyClient = "a client that reads the answer as RFC 6749 5.1 says refuses it"
	usesToken   = "it may use an IAM token that it exchanged"
)

// answer is what goes over the wire (RFC 6749 5.1 and 5.2, RFC 8693 2.2).
var answer = in("answer",
	Bug{Name: "ExpiresInMissing",
		Doc:      "The answer does not say how long the IAM token lives, so that clients keep it too long or not at all.",
		MustKill: []string{"exchange/bearer-token", "clients/go-sdk", "clients/go-sdk-in-pod", "clients/oauth2-in-pod", "clients/oauth2-external-account", "clients/token-file-rotation", "clients/iam-token-refresh"}},
	Bug{Name: "ExpiresInTooLong",
		Doc:      "expires_in is longer than an IAM token lives (12 hours), so that clients use it after its end.",
		MustKill: []string{"exchange/bearer-token"},
		MayKill:  []May{{"clients/*", "it may compare the token's life with the documented one"}}},
	Bug{Name: "TokenTypeWrong",
		Doc:      "token_type is N_A, which RFC 8693 2.2.1 has for what is no access token.",
		MustKill: []string{"exchange/bearer-token"},
		MayKill: []May{{"exchange/*", everyClient}, {"subjects/*", everyClient}, {"custom/*", everyClient}, {"clients/*", everyClient}, {"access/*", everyClient},
			{"federation/*", everyClient}, {"secrets/*", everyClient}, {"lifecycle/*", everyClient}, {"metadata/*", everyClient}, {"issuer/*", everyClient}}},
	Bug{Name: "TokenOfAnotherAccount",
		Doc:      "The IAM token is that of another service account of the folder: the answer of one request is given to another.",
		MustKill: []string{"exchange/bearer-token"},
		MayKill: []May{{"exchange/*", usesToken}, {"access/*", usesToken}, {"secrets/*", usesToken}, {"tutorial/*", usesToken}, {"clients/*", usesToken},
			{"custom/*", usesToken}, {"subjects/*", usesToken}, {"lifecycle/*", usesToken}, {"federation/*", usesToken}, {"metadata/*", usesToken}}},
	Bug{Name: "AnswerCacheable",
		Doc:      "Answers with a token lack Cache-Control: no-store, so that a proxy may give one client's token to another (RFC 6749 5.1).",
		MustKill: []string{"exchange/not-cacheable"}},
	Bug{Name: "RefusalEchoesToken",
		Doc:      "The text of a refusal quotes the subject token, which ends up in logs and tickets.",
		MustKill: []string{"exchange/refusal-shape"},
		MayKill:  []May{{"invariants/no-secret-in-artifacts", "a report quotes what was answered"}}},
	Bug{Name: "RefusalWithoutDescription",
		Doc:      "A refusal has no error_description, so that nobody knows what to change.",
		MustKill: []string{"exchange/refusal-shape"}},
	Bug{Name: "RefusalOfOwnCode",
		Doc:      "The error of a refusal is none that RFC 6749 or RFC 8693 know.",
		MustKill: []string{"exchange/refusal-shape", "exchange/grant-unknown"}},
	Bug{Name: "RefusalAsSuccess",
		Doc:      "Refusals have the status 200, so that curl --fail and every client that looks at the status alone goes on.",
		MustKill: slices.Concat(refusals, turnedAway), MayKill: mayRefuse},
	Bug{Name: "RefusalAsPage",
		Doc:      "Refusals are web pages: an error handler of the web framework answers before the endpoint's own.",
		MustKill: refusals, MayKill: mayRefuse},
	Bug{Name: "UnknownAccountTold",
		Doc:      "A service account that does not exist is refused otherwise than one that is not linked, so that anybody can find out which exist (CWE-204).",
		MustKill: []string{"exchange/no-existence-oracle"}},
)
