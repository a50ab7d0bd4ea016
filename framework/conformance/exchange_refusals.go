package conformance

func exchangeSignatures() []Requirement {
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer, Sources: []Source{rfc(7515, "5.2 Message Signature or MAC Validation")},
		Remediation: "Verify each subject token with the published key that its kid names, by the one algorithm that this key is for, before anything in it is believed.",
	}, []Requirement{
		{ID: ExchangeWrongKeySameKid, Statement: "A subject token that names a published key in its kid but is signed by another key MUST be refused."},
		{ID: ExchangeTamperedPayload, Statement: "A subject token whose payload was changed after it was signed MUST be refused."},
		{ID: ExchangeAlgNone, Statement: "A subject token without a signature, whose alg is none in any spelling, MUST be refused.",
			Sources: []Source{rfc(8725, "3.2 Use Appropriate Algorithms"), rfc(7515, "A.5 Example Unsecured JWS")}},
		{ID: ExchangeHS256WithPublicKey, Statement: "A subject token with an HMAC whose secret is a published key, in whatever form, MUST be refused.",
			Sources: []Source{rfc(8725, "2.1 Weak Signatures and Insufficient Signature Validation"), rfc(8725, "3.1 Perform Algorithm Verification")}},
		{ID: ExchangeUnknownKid, Statement: "A subject token of a key that is not in the federation's key set MUST be refused.",
			Sources: []Source{rfc(7515, "4.1.4 \"kid\" (Key ID) Header Parameter"), wlifConcepts("How a federation works")}},
		{ID: ExchangeMissingKid, Level: Record, Severity: Minor,
			Statement:   "RECORD whether a subject token without kid is accepted if a published key signed it, where the key set has one key and where it has several.",
			Sources:     []Source{rfc(7515, "4.1.4 \"kid\" (Key ID) Header Parameter"), oidcCore("10.1 Signing", "Signing")},
			Remediation: "Let the issuer write a kid into each token, as Kubernetes does."},
		{ID: ExchangeEmbeddedJWK, Statement: "A subject token that is signed by a key which its own header brings along (jwk, x5c) MUST be refused.",
			Sources: []Source{rfc(7515, "4.1.3 \"jwk\" (JSON Web Key) Header Parameter"), rfc(7515, "10.3 Key Origin Authentication")}},
		{ID: ExchangeJKU, Statement: "A subject token that is signed by a key of the key set which its own header points to (jku) MUST be refused.",
			Sources: []Source{rfc(8725, "3.10 Do Not Trust Received Claims"), rfc(7515, "4.1.2 \"jku\" (JWK Set URL) Header Parameter")}},
		{ID: ExchangeX5U, Statement: "A subject token that is signed by the key of a certificate which its own header points to (x5u) MUST be refused.",
			Sources: []Source{rfc(8725, "3.10 Do Not Trust Received Claims"), rfc(7515, "4.1.5 \"x5u\" (X.509 URL) Header Parameter")}},
		{ID: ExchangeCritHeader, Severity: Major, Statement: "A subject token whose header declares an unknown extension critical MUST be refused.",
			Sources:     []Source{rfc(7515, "4.1.11 \"crit\" (Critical) Header Parameter")},
			Remediation: "Refuse tokens with a crit that is not understood: it may say that the signature means something else."},
		{ID: ExchangeAlgMismatchWithKey, Statement: "A subject token whose alg is not the one that the key named by its kid is for MUST be refused.",
			Sources: []Source{rfc(8725, "3.1 Perform Algorithm Verification"), rfc(7517, "4.4 \"alg\" (Algorithm) Parameter")}},
		{ID: ExchangeTruncated, Statement: "A subject token that was cut off MUST be refused."},
		{ID: ExchangeEmpty, Statement: "A subject token whose header, payload or signature is empty MUST be refused."},
		{ID: ExchangeNotAJWT, Statement: "A subject token that is no JWT in compact form MUST be refused.", Severity: Major,
			Sources: []Source{rfc(7519, "7.2 Validating a JWT"), rfc(7515, "7.1 JWS Compact Serialization")}},
		{ID: ExchangeOversized, Statement: "A subject token of a mebibyte MUST be refused with a 4xx, and leave the endpoint working.", Severity: Major,
			Sources:     []Source{rfc(8693, "2.2.2 Error Response"), rfc(9110, "15.5.14 413 Content Too Large")},
			Remediation: "Bound the size of a request before it is read; a Kubernetes token has about a kilobyte."},
	})
}

func exchangeTimes() []Requirement {
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer,
		Remediation: "Compare exp and nbf of each subject token with the clock, allowing for a few minutes of skew at most, and refuse tokens without a numeric exp.",
	}, []Requirement{
		{ID: ExchangeExpired, Statement: "A subject token that expired an hour ago MUST be refused.", Sources: []Source{rfc(7519, "4.1.4 \"exp\" (Expiration Time) Claim")}},
		{ID: ExchangeNbfInFuture, Statement: "A subject token that is to be valid an hour from now MUST be refused.", Sources: []Source{rfc(7519, "4.1.5 \"nbf\" (Not Before) Claim")}},
		{ID: ExchangeExpMissing, Statement: "A subject token without exp MUST be refused.", Sources: []Source{oidcCore("2 ID Token", "IDToken"), oidcCore("3.1.3.7 ID Token Validation", "IDTokenValidation")}},
		{ID: ExchangeIatInFuture, Statement: "RECORD whether a subject token is accepted that was issued an hour from now.", Level: Record, Severity: Minor,
			Sources: []Source{rfc(7519, "4.1.6 \"iat\" (Issued At) Claim")}, Remediation: "Keep the issuer's clock right."},
		{ID: ExchangeExpAsString, Statement: "A subject token whose exp is a string MUST be refused.", Severity: Major,
			Sources: []Source{rfc(7519, "4.1.4 \"exp\" (Expiration Time) Claim"), rfc(7519, "2 Terminology")}},
		{ID: ExchangeClockSkew, Statement: "RECORD whether subject tokens are accepted that expired 30, 60 and 300 seconds ago, and that are to be valid in 30, 60 and 300 seconds.", Level: Record, Severity: Minor,
			Sources: []Source{rfc(7519, "4.1.4 \"exp\" (Expiration Time) Claim"), rfc(7519, "4.1.5 \"nbf\" (Not Before) Claim")}, Remediation: "Keep the issuer's clock right, and fetch a new token well before the old one expires."},
	})
}

func exchangeClaims() []Requirement {
	var (
		iss   = []Source{rfc(7519, "4.1.1 \"iss\" (Issuer) Claim"), rfc(7519, "2 Terminology"), oidcCore("3.1.3.7 ID Token Validation", "IDTokenValidation")}
		aud   = []Source{rfc(7519, "4.1.3 \"aud\" (Audience) Claim"), rfc(8725, "3.9 Use and Validate Audience"), wlifConcepts("How a federation works")}
		exact = []Source{proto("iam/v1/workload/federated_credential.proto", "FederatedCredential.external_subject_id: exact match")}
	)
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer,
		Remediation: "Compare iss with the federation's issuer, each value of aud with its audiences and sub with the credential's subject as strings: character by character, without normalising, shortening or patterns.",
	}, []Requirement{
		{ID: ExchangeIssOther, Statement: "A subject token whose iss is not the federation's issuer, or that has none, MUST be refused.", Sources: iss},
		{ID: ExchangeIssTrailingSlash, Statement: "A subject token whose iss is the federation's issuer with a slash after it MUST be refused.", Sources: iss},
		{ID: ExchangeIssHTTP, Statement: "A subject token whose iss is the federation's issuer with http instead of https MUST be refused.", Sources: iss},
		{ID: ExchangeIssCase, Statement: "A subject token whose iss is the federation's issuer in other letter case MUST be refused.", Sources: iss},
		{ID: ExchangeAudOther, Statement: "A subject token whose aud is not exactly an audience of the federation MUST be refused.", Sources: aud},
		{ID: ExchangeAudArrayNoMatch, Statement: "A subject token whose aud is an array without an audience of the federation MUST be refused.", Sources: aud},
		{ID: ExchangeAudMissing, Statement: "A subject token without aud MUST be refused.", Sources: append([]Source{oidcCore("2 ID Token", "IDToken")}, aud...)},
		{ID: ExchangeAudEmpty, Statement: "A subject token whose aud is empty, as a string, as an array or in one, MUST be refused.", Sources: aud},
		{ID: ExchangeAudIsSAID, Statement: "A subject token whose aud is the id of the service account, which is the request's `audience` and not the token's, MUST be refused.", Sources: append([]Source{exchangeInstruction()}, aud...)},
		{ID: ExchangeSubOtherNamespace, Statement: "A subject token of a Kubernetes service account with the linked name in another namespace MUST be refused.", Sources: exact},
		{ID: ExchangeSubOtherAccount, Statement: "A subject token of another Kubernetes service account in the linked namespace MUST be refused.", Sources: exact},
		{ID: ExchangeSubPrefix, Statement: "A subject token MUST be refused if its sub and the linked subject are not the same, but one begins with the other.", Sources: exact},
		{ID: ExchangeSubSuffix, Statement: "A subject token MUST be refused if its sub and the linked subject are not the same, but one ends with the other.", Sources: exact},
		{ID: ExchangeSubCase, Statement: "A subject token whose sub is the linked subject in other letter case MUST be refused.", Sources: exact},
		{ID: ExchangeSubMissing, Statement: "A subject token without sub, or with an empty one, MUST be refused.", Sources: append([]Source{oidcCore("2 ID Token", "IDToken")}, exact...)},
		{ID: ExchangeSubWildcardNoMatch, Statement: "A credential whose subject has an asterisk MUST NOT let in the subjects that the asterisk would stand for in a pattern.", Sources: exact},
	})
}

func exchangeRequests() []Requirement {
	return alike(Requirement{
		Level: Must, Severity: Minor, Features: ownIssuer,
		Remediation: "Refuse with invalid_request what is not the documented request: a request that is understood otherwise than it was meant hides mistakes, and worse.",
	}, []Requirement{
		{ID: ExchangeParameterMissing, Statement: "A request without grant_type, audience, subject_token or subject_token_type MUST be refused.", Sources: []Source{rfc(8693, "2.1 Request"), rfc(6749, "5.2 Error Response"), exchangeInstruction()}},
		{ID: ExchangeParameterEmpty, Statement: "A request in which grant_type, audience, subject_token or subject_token_type has no value MUST be refused.", Sources: []Source{rfc(6749, "3.2 Token Endpoint"), rfc(8693, "2.1 Request"), exchangeInstruction()}},
		{ID: ExchangeParameterTwice, Statement: "A request with grant_type, requested_token_type, subject_token or subject_token_type more than once MUST be refused.", Sources: []Source{rfc(6749, "3.2 Token Endpoint"), rfc(6749, "5.2 Error Response")}},
		{ID: ExchangeURNWrong, Statement: "A request whose grant_type, requested_token_type or subject_token_type is another URN than the documented one MUST be refused.", Sources: []Source{exchangeInstruction(), rfc(8693, "2.1 Request")}},
		{ID: ExchangeGrantUnknown, Statement: "A grant type that nobody knows MUST be refused with the error unsupported_grant_type.", Sources: []Source{rfc(6749, "5.2 Error Response")},
			Remediation: "Answer unsupported_grant_type, by which OAuth libraries tell a wrong endpoint from a wrong token."},
		{ID: ExchangeMethodGet, Statement: "A request by GET, with the subject token in the URL, MUST be refused.", Severity: Major, Sources: []Source{rfc(6749, "3.2 Token Endpoint"), exchangeInstruction()},
			Remediation: "Answer GET with 405 (RFC 9110 section 15.5.6): URLs end up in the logs of proxies, and a token in them with them."},
		{ID: ExchangeJSONBody, Statement: "RECORD how a request is answered whose parameters are JSON.", Level: Record, Sources: []Source{rfc(8693, "2.1 Request"), exchangeInstruction()},
			Remediation: "Send the parameters as application/x-www-form-urlencoded, as documented."},
		{ID: ExchangeContentTypeMissing, Statement: "RECORD how a request is answered that has no Content-Type.", Level: Record, Sources: []Source{rfc(8693, "2.1 Request"), exchangeInstruction()},
			Remediation: "Send Content-Type: application/x-www-form-urlencoded, as documented."},
		{ID: ExchangeTokenWithNewline, Statement: "RECORD how a subject token is answered that has a line break after it, as a file may have.", Level: Record, Sources: []Source{rfc(7515, "2 Terminology"), exchangeInstruction()},
			Remediation: "Trim the token that is read from a file."},
	})
}

func exchangeStates() []Requirement {
	var (
		links   = wlifConcepts("Federated credentials")
		account = proto("iam/v1/service_account.proto", "ServiceAccount.Status")
	)
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer, Sources: []Source{links},
		Remediation: "Look up the service account, its credentials and their federations at each exchange, and let no cache outlive a change for longer than roles take to spread.",
	}, []Requirement{
		{ID: ExchangeFederationDisabled, Statement: "Subject tokens MUST be refused while their federation is disabled, and accepted again once it is enabled.", Sources: []Source{proto("iam/v1/workload/oidc/federation.proto", "Federation.enabled")}},
		{ID: ExchangeFederationDeleted, Statement: "Subject tokens MUST be refused after their federation was deleted."},
		{ID: ExchangeCredentialDeleted, Statement: "Subject tokens MUST be refused after the credential that linked their subject was deleted."},
		{ID: ExchangeCredentialOfOtherSA, Statement: "A subject that is linked to one service account MUST be refused for another one that the same federation lets in other subjects for."},
		{ID: ExchangeSAUnknown, Statement: "An exchange for a service account that does not exist MUST be refused."},
		{ID: ExchangeSAUnlinked, Statement: "An exchange for a service account that has no credential MUST be refused."},
		{ID: ExchangeSASuspended, Statement: "Exchanges for a service account MUST be refused while it is suspended, and accepted again once it is reactivated.", Sources: []Source{account}},
		{ID: ExchangeSADeleted, Statement: "Exchanges for a service account MUST be refused after it was deleted.", Sources: []Source{account, links}},
		{ID: ExchangeAudienceRemoved, Statement: "Subject tokens MUST be refused after their aud was taken off the federation's audiences.", Sources: []Source{proto("iam/v1/workload/oidc/federation.proto", "Federation.audiences")}},
		{ID: ExchangeJWKSURLChanged, Statement: "After the federation's key set URL was changed, subject tokens of the former set's keys MUST be refused, and those of the new one's accepted.", Sources: []Source{proto("iam/v1/workload/oidc/federation.proto", "Federation.jwks_url")}},
		{ID: ExchangeSigningKeyRetired, Statement: "Subject tokens of a key that was taken out of the federation's key set MUST be refused.", Sources: []Source{proto("iam/v1/workload/oidc/federation.proto", "Federation.jwks_url"), oidcCore("10.1.1 Rotation of Asymmetric Signing Keys", "RotateSigKeys")}},
	})
}

func exchangeClusters() []Requirement {
	return alike(Requirement{
		Level: Must, Severity: Critical, Sources: []Source{wlifConcepts("How a federation works"), rfc(8725, "3.8 Validate Issuer and Subject")},
		Remediation: "Tell clusters apart by their issuer and their keys: every cluster can have the same namespaces and service accounts.",
	}, []Requirement{
		{ID: ExchangeTokenOfOtherCluster, Statement: "A token of another cluster's MUST be refused, even if namespace, service account and audience are the linked ones.", Features: []Feature{OtherCluster}},
		{ID: ExchangeOtherClusterSameIss, Statement: "A token that has the cluster's issuer, the linked subject and the audience, but is signed by a key that the cluster does not publish, MUST be refused."},
		{ID: ExchangeClusterOtherAudience, Statement: "A token that the cluster signed for another audience MUST be refused.", Sources: []Source{rfc(7519, "4.1.3 \"aud\" (Audience) Claim"), rfc(8725, "3.9 Use and Validate Audience")}},
	})
}

func exchangeKeySets() []Requirement {
	var (
		unverified = wlifConcepts("How a federation works")
		tls        = rfc(9110, "4.3.4 https Certificate Verification")
		hosted     = []Feature{ObjectStorage, WebHost}
	)
	return alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer, Sources: []Source{unverified},
		Remediation: "Refuse a token that no fetched key verifies, whatever the reason; fetch key sets over verified TLS, with a bound on time and size.",
	}, []Requirement{
		{ID: ExchangeJWKS404, Statement: "An exchange MUST NOT yield an IAM token while the federation's key set URL answers 404."},
		{ID: ExchangeJWKS500, Statement: "An exchange MUST NOT yield an IAM token while the federation's key set URL answers 500.", Features: hosted},
		{ID: ExchangeJWKSTimeout, Statement: "An exchange MUST NOT yield an IAM token while the federation's key set URL does not answer.", Features: hosted},
		{ID: ExchangeJWKSHTML, Statement: "An exchange MUST NOT yield an IAM token while the federation's key set URL answers with a web page."},
		{ID: ExchangeJWKSHuge, Statement: "An exchange MUST NOT yield an IAM token while the federation's key set is of a size that no issuer has.", Severity: Major},
		{ID: ExchangeJWKSSelfSignedTLS, Statement: "An exchange MUST NOT yield an IAM token while the federation's key set comes from a server with a certificate that nobody vouches for.", Features: hosted, Sources: []Source{tls, unverified}},
		{ID: ExchangeJWKSRedirect, Statement: "RECORD whether a key set is fetched from where its URL redirects to.", Level: Record, Severity: Minor, Features: hosted, Sources: []Source{rfc(9110, "15.4 Redirection 3xx"), rfc(7517, "5 JWK Set Format")},
			Remediation: "Give the federation the URL that serves the key set itself."},
		{ID: ExchangeJWKSWrongKeyType, Statement: "A subject token MUST be refused if the key that its kid names in the key set is of another type than its alg needs.", Sources: []Source{rfc(8725, "3.1 Perform Algorithm Verification"), rfc(7517, "4.1 \"kty\" (Key Type) Parameter")}},
		{ID: ExchangeJWKSFlood, Statement: "A hundred subject tokens with unknown kids SHOULD NOT make the key set be fetched a hundred times.", Level: Should, Severity: Major, Features: hosted,
			Sources: []Source{oidcCore("10.1.1 Rotation of Asymmetric Signing Keys", "RotateSigKeys"), rfc(8725, "3.10 Do Not Trust Received Claims")}, Remediation: "Fetch a key set again for an unknown kid only after a pause: anybody can send unknown kids, and the fetches would hit the issuer."},
	})
}
