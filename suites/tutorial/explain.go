package tutorial

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
)

// again repeats get-token.sh's request in the same shell and prints status, error
// and description, and nothing of a token.
const again = `answer=$(curl -sS --max-time 30 -w '\n%{http_code}' -H "Content-Type: application/x-www-form-urlencoded" \
  -d "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&requested_token_type=urn:ietf:params:oauth:token-type:access_token&audience=${SA_ID}&subject_token=${SA_TOKEN}&subject_token_type=urn:ietf:params:oauth:token-type:id_token" \
  -X POST ` + tokenURL + `); __curl=$?
printf '%s\n' "${answer##*$'\n'}"
printf '%s' "${answer%$'\n'*}" | jq -c '{error, error_description}' 2>/dev/null || echo '{}'
unset answer
(exit "$__curl")`

// explainRefusal fails the check with the reason why there is no token. Without
// an answer, with a 5xx or throttled (429), the failure is the engine's.
func (w *walk) explainRefusal(ctx context.Context, shape string) {
	GinkgoHelper()
	result, err := w.typeIn(ctx, again)
	check.Prerequisite(err, "asking why there is no token")
	refused, err := readRefusal(result.Stdout)
	switch {
	case result.Status != 0:
		check.Prerequisite(&exchange.TransportError{Endpoint: tokenURL, Err: fmt.Errorf("curl ended with code %d: %s", result.Status, check.OneLine(result.Stderr))}, "exchanging the token")
	case err != nil:
		check.Prerequisite(err, "reading the refusal")
	case refused.Status >= 500:
		check.NoError(&exchange.ServerError{Status: refused.Status}, "exchanging the token")
	case refused.Status == http.StatusTooManyRequests:
		check.Prerequisite(refused, "exchanging the token")
	}
	if refused.Status < 400 {
		Fail(fmt.Sprintf("get-token.sh left %s in IAMTOKEN, although the exchange answers %d", shape, refused.Status))
	}
	Fail(fmt.Sprintf("get-token.sh left %s in IAMTOKEN; %v%s", shape, refused, w.differences(ctx)))
}

// readRefusal reads the two lines that `again` prints.
func readRefusal(text string) (*exchange.Refusal, error) {
	code, body, _ := strings.Cut(strings.TrimSpace(text), "\n")
	status, err := strconv.Atoi(code)
	if err != nil {
		return nil, fmt.Errorf("curl printed no HTTP status")
	}
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	// jq prints nothing for an empty answer.
	if err := json.Unmarshal([]byte(cmp.Or(body, "{}")), &answer); err != nil {
		return nil, fmt.Errorf("the answer with status %d is not JSON", status)
	}
	return &exchange.Refusal{Status: status, Code: answer.Error, Description: answer.Description}, nil
}

// differences compares the pod's token with what the cloud knows, for the reader.
func (w *walk) differences(ctx context.Context) string {
	result, err := w.typeIn(ctx, "cat "+manifests.TokenPath)
	if err != nil || result.Status != 0 {
		return ""
	}
	question := trust.Question{Cloud: w.Cloud, FederationID: w.Target.FederationID, ServiceAccountID: w.Target.ServiceAccountID}
	explained, err := question.Explain(ctx, exchange.Token(result.Stdout), time.Now())
	exchanging.Journal(explained, err)
	if err != nil {
		return "; why cannot be said: " + err.Error()
	}
	return "; " + explained.String()
}
