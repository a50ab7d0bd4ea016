package bugs

// times is how exp and nbf are compared with the clock (RFC 7519 4.1).
var times = in("time",
	Bug{Name: "ExpiryIgnored",
		Doc:      "exp must be there, but is not compared with the clock: a token that leaked once is good for ever.",
		MustKill: []string{"exchange/expired"}},
	Bug{Name: "ExpiryOptional",
		Doc:      "A token without exp never ends: the comparison is made only if the claim is there, as JWT libraries do unless told to require it.",
		MustKill: []string{"exchange/exp-missing"}},
	Bug{Name: "ExpiryStringAccepted",
		Doc:      "An exp that is a string is turned into a number or into none; no time is later than what is no number, so such a token never ends.",
		MustKill: []string{"exchange/exp-as-string"}},
	Bug{Name: "NotBeforeIgnored",
		Doc:      "nbf is not looked at, so that a token is good before its time.",
		MustKill: []string{"exchange/nbf-in-future"}},
	Bug{Name: "LeewayOfADay",
		Doc:      "The clock skew that is allowed for is a day, because a number of seconds was taken for another unit.",
		MustKill: []string{"exchange/expired", "exchange/nbf-in-future"}},
)
