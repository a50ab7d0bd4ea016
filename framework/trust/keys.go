package trust

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
)

// KeysAt fetches the keys of an issuer as everybody may. What goes wrong is in the
// result.
func KeysAt(ctx context.Context, url string) exchange.Keys { return keysAt(ctx, url, "") }

// keysAt fetches the keys of an issuer as everybody may, and tries them on the
// token, if there is one. What goes wrong is in the result.
func keysAt(ctx context.Context, url string, token exchange.Token) exchange.Keys {
	document, err := keyset.Fetch(ctx, url)
	keys := published(document, err, token)
	keys.URL = url
	return keys
}

func published(document keyset.Document, err error, token exchange.Token) exchange.Keys {
	var unavailable *keyset.UnavailableError
	switch {
	case errors.As(err, &unavailable):
		return exchange.Keys{Problem: exchange.JWKSUnreachable, Detail: err.Error()}
	case err != nil:
		return exchange.Keys{Problem: exchange.JWKSUnreadable, Detail: err.Error()}
	}
	answer := fmt.Sprintf("the answer is %d %s", document.Status, http.StatusText(document.Status))
	switch document.Status {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return exchange.Keys{Problem: exchange.JWKSPrivate, Detail: answer}
	default:
		return exchange.Keys{Problem: exchange.JWKSUnreadable, Detail: answer}
	}
	set, err := keyset.Parse(document.Body)
	if err != nil {
		return exchange.Keys{Problem: exchange.JWKSUnreadable, Detail: err.Error()}
	}
	keys := exchange.Keys{IDs: set.IDs()}
	if len(keys.IDs) == 0 {
		return exchange.Keys{Problem: exchange.JWKSUnreadable, Detail: "there is no key"}
	}
	if token == "" {
		return keys
	}
	if err := set.Verify(token); err != nil && !errors.Is(err, keyset.ErrUnknownKey) {
		keys.Unverified = err.Error()
	}
	return keys
}
