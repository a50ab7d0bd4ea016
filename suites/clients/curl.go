package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// exchangeByCurl keeps the IAM token in the shell and prints the status, and of a
// refusal the body. The token is read from its file: it is in no argument.
const exchangeByCurl = `answer=$(curl -sS --max-time 30 -w '\n%%{http_code}' \
  --data-urlencode grant_type=` + exchange.GrantType + ` \
  --data-urlencode requested_token_type=` + exchange.RequestedTokenType + ` \
  --data-urlencode subject_token_type=` + exchange.SubjectTokenType + ` \
  --data-urlencode audience=%s \
  --data-urlencode subject_token@` + manifests.TokenPath + ` \
  ` + exchange.DefaultEndpoint + `); __curl=$?
IAMTOKEN=$(printf '%%s' "$answer" | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
printf '%%s\n' "${answer##*$'\n'}"
[ -n "$IAMTOKEN" ] || printf '%%s\n' "${answer%%$'\n'*}"
unset answer
(exit "$__curl")`

// payloadByCurl prints the status and the payload.
const payloadByCurl = `curl -sS --max-time 30 -w '\n%%{http_code}' -H "Authorization: Bearer ${IAMTOKEN}" \
  https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/%s/payload`

func curl(ctx SpecContext) {
	s := prepare(ctx)
	pod := s.Run(ctx, nil)
	run.Step("exchanging the projected token with curl --data-urlencode")
	result, err := pod.Type(ctx, fmt.Sprintf(exchangeByCurl, s.ServiceAccountID))
	check.Prerequisite(err, "typing the exchange in the pod")
	check.NoError(judgeCurl(result, true), "exchanging the projected token with curl")
	run.Step("reading a secret with curl")
	result, err = pod.Type(ctx, fmt.Sprintf(payloadByCurl, s.secret.GetId()))
	check.Prerequisite(err, "typing the call in the pod")
	check.NoError(judgeCurl(result, false), "reading a secret with curl and its IAM token")
	body, _ := statusLast(result.Stdout)
	var got payload.Payload
	check.NoError(json.Unmarshal([]byte(body), &got), "reading the payload that curl printed")
	Expect(got.Entries).To(HaveLen(1), "the payload has other entries")
	Expect(got.Entries[0].Key).To(Equal(calling.CanaryKey), "the payload has another key")
}

// judgeCurl says what went wrong: without an answer, with a 5xx or throttled it is
// the engine's. first: the status is the first line, not the last.
func judgeCurl(result workload.Result, first bool) error {
	body, status := statusLast(result.Stdout)
	if first {
		line, rest, _ := strings.Cut(strings.TrimSpace(result.Stdout), "\n")
		body, status = rest, number(line)
	}
	switch {
	case result.Status != 0 || status == 0:
		return &exchange.TransportError{Endpoint: "that curl called", Err: fmt.Errorf("curl ended with code %d: %s", result.Status, check.OneLine(result.Stderr))}
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
		return &exchange.ServerError{Status: status}
	case status != http.StatusOK:
		return fmt.Errorf("the answer is %d: %s", status, reason(body))
	case first && strings.TrimSpace(body) != "":
		return errors.New("the answer is 200 and has no access_token")
	}
	return nil
}

// statusLast divides what curl printed into the body, which may begin with any bytes,
// and the status after it.
func statusLast(text string) (body string, status int) {
	text = strings.TrimRight(text, " \r\n")
	at := strings.LastIndexByte(text, '\n')
	if at < 0 {
		return "", number(text)
	}
	return text[:at], number(text[at:])
}

func number(text string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(text)) // curl prints 000 where there is no answer
	return n
}

// reason is what a refusal says, of either kind, and nothing else of it.
func reason(body string) string {
	var refused struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Message     string `json:"message"`
	}
	if json.Unmarshal([]byte(body), &refused) != nil {
		return "a body that is no JSON"
	}
	return strings.TrimSpace(strings.Join([]string{refused.Error, refused.Description, refused.Message}, " "))
}
