package exchange

// Keys are what is published at a federation's JWKS URL.
type Keys struct {
	URL string
	// IDs are the kids of the set, in its order.
	IDs []string
	// Problem is the name of the difference that keeps all keys from being used;
	// Detail says what happened.
	Problem, Detail string
	// Unverified says why the key that the token names does not verify it; "" where it
	// does, or where nobody has tried.
	Unverified string
}

// String lists the kids, or says why there are none.
func (k Keys) String() string {
	switch {
	case k.URL == "":
		return "not looked at"
	case k.Problem != "":
		return k.Problem + " (" + k.URL + ")"
	}
	return shown(k.IDs...)
}
