package exchange

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

// Keys are what a JWKS URL answered.
type Keys struct {
	URL string
	// IDs are the kids of the set, in its order.
	IDs []string
	// Problem is the name of the difference that keeps the keys from being used;
	// Detail says what happened.
	Problem, Detail string
}

// FetchKeys fetches a key set as the cloud does, without credentials. What goes
// wrong is in the result.
func FetchKeys(ctx context.Context, client *http.Client, url string) Keys {
	keys := Keys{URL: url}
	failed := func(problem, format string, args ...any) Keys {
		keys.Problem, keys.Detail = problem, fmt.Sprintf(format, args...)
		return keys
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return failed(JWKSUnreachable, "%v", err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return failed(JWKSUnreachable, "%v", err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return failed(JWKSPrivate, "the answer is %s", answer.Status)
	default:
		return failed(JWKSUnreadable, "the answer is %s", answer.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return failed(JWKSUnreachable, "reading the answer: %v", err)
	}
	set, err := jwk.Parse(raw)
	if err != nil || set.Len() == 0 {
		return failed(JWKSUnreadable, "the answer is no JSON Web Key Set with keys")
	}
	for i := range set.Len() {
		key, _ := set.Key(i) // the index is below Len
		id, _ := key.KeyID() // "" is shown as none
		keys.IDs = append(keys.IDs, id)
	}
	return keys
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
