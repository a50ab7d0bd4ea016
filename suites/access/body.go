package access

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A refusal by REST", func() {
	It("is a google.rpc.Status with a request id, and without the payload", check.Decides(conformance.AccessRefusalBody), limit(), refusalBody)
})

// refusalBody looks at refusals whose own checks say that they are refused. What
// they say is not printed: it may be the payload.
func refusalBody(ctx SpecContext) {
	account, secret := calling.Shared(ctx), calling.Secret(ctx, "")
	var found []string
	for _, tc := range []struct {
		name   string
		header config.Secret
		status int
		code   codes.Code
	}{
		{"without a role", payload.Bearer(account.Token.Reveal()), http.StatusForbidden, codes.PermissionDenied},
		{"without a token", config.Secret{}, http.StatusUnauthorized, codes.Unauthenticated},
	} {
		answer := ask(ctx, secret, tc.header, tc.name)
		for _, breach := range breaches(answer, tc.status, tc.code, run.Current().Canary.Reveal()) {
			found = append(found, fmt.Sprintf("%s (request id %q): %s", tc.name, answer.RequestID(), breach))
		}
	}
	if len(found) > 0 {
		Fail("refusals are not as the API design guide has them: " + strings.Join(found, "; "))
	}
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	account.AwaitReads(ctx, secret)
}

// ask gets an answer of the server's own: one of a failing server is an ERROR.
func ask(ctx context.Context, secret *lockbox.Secret, header config.Secret, name string) payload.Answer {
	GinkgoHelper()
	run.Step("refused: " + name)
	answer, err := calling.Ask(ctx, payload.Request{SecretID: secret.GetId(), Authorization: header})
	check.NoError(err, "asking for the payload "+name)
	if answer.Status >= http.StatusInternalServerError || answer.Status == http.StatusTooManyRequests {
		failing := cloud.NewError(payload.Method, cloud.CodeOfHTTP(answer.Status), http.StatusText(answer.Status), answer.RequestID(), nil)
		check.NoError(failing, "asking for the payload "+name)
	}
	return answer
}

// breaches says, a sentence each, in what an answer is not the refusal that it
// should be.
func breaches(a payload.Answer, status int, code codes.Code, planted string) []string {
	var found []string
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	say(a.Status != status, "the HTTP status is %d, not %d", a.Status, status)
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	say(kind != "application/json", "the content type is %q, not application/json", kind)
	for _, form := range []string{planted, base64.StdEncoding.EncodeToString([]byte(planted))} {
		say(bytes.Contains(a.Body, []byte(form)), "the payload stands in it")
	}
	var said payload.Status
	if json.Unmarshal(a.Body, &said) != nil {
		return append(found, "the body is not the JSON of a google.rpc.Status")
	}
	say(said.Code != code, "the body's code is %d, not %d", said.Code, code)
	say(strings.TrimSpace(said.Message) == "", "the body has no message")
	named := a.RequestID() != "" || slices.ContainsFunc(said.Details, func(d payload.Detail) bool {
		return strings.HasSuffix(d.Type, "google.rpc.RequestInfo") && d.RequestID != ""
	})
	say(!named, "it has no request id, neither as a google.rpc.RequestInfo nor as the header x-request-id")
	return found
}
