package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
)

// Exchange is the exchange as another service of the cloud makes it: a node's metadata
// address, for a pod. A refusal has a reason, without "exchange/", and is no error.
func (e *Endpoint) Exchange(ctx context.Context, accountID, subjectToken string) (token string, expires time.Time, refusal string, err error) {
	form := url.Values{"grant_type": {grantType}, "requested_token_type": {requestedTokenType}, "subject_token_type": {subjectTokenType},
		"audience": {accountID}, "subject_token": {subjectToken}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", time.Time{}, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q := receive(r)
	subject, err := e.exchange(q, e.policyFor(accountID, subjectToken), &audit.Entry{})
	var why reason
	if errors.As(err, &why) {
		return "", time.Time{}, string(why), nil
	}
	if err != nil {
		return "", time.Time{}, "", err
	}
	token, expires = e.accounts.MintFor(subject)
	return token, expires, "", nil
}
