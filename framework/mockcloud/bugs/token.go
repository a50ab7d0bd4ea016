package bugs

// token is how the signature of a subject token is verified (RFC 7515, RFC 8725).
var token = in("token",
	Bug{Name: "AlgNoneAccepted",
		Doc:      "A token whose header says alg none, in any case, needs no signature (RFC 8725 2.1; CVE-2022-23540 of jsonwebtoken).",
		MustKill: []string{"exchange/alg-none"}},
	Bug{Name: "CritIgnored",
		Doc:      "The header parameter crit, which names extensions that a verifier must understand or refuse the token, is not looked at (RFC 7515 4.1.11).",
		MustKill: []string{"exchange/crit-header"}},
)
