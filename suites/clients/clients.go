package clients

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

var _ = Describe("An application with a token of the cluster", func() {
	timeouts := run.Current().Config.Timeouts
	call, propagation, operation := timeouts.Call.D(), timeouts.Propagation.D(), timeouts.Operation.D()
	limit := run.Limit(operation, operation, propagation, propagation, call, call, call)

	inPod := run.Limit(operation, operation, propagation, propagation, timeouts.PodRunning.D(), timeouts.Exec.D(), timeouts.Exec.D())

	It("exchanges it with curl in a pod", check.Decides(conformance.ClientsCurl), inPod, curl)
	It("exchanges it with a credential of the Go SDK", check.Decides(conformance.ClientsGoSDK), limit, goSDK)
	It("exchanges it with the Go SDK in a pod", check.Decides(conformance.ClientsGoSDKInPod), inPod, programInPod("go-sdk"))
	It("exchanges it with an HTTP client of golang.org/x/oauth2 in a pod", check.Decides(conformance.ClientsOAuth2InPod), inPod, programInPod("oauth2"))
	It("exchanges it as an external account of golang.org/x/oauth2", check.Decides(conformance.ClientsExternalAccount), limit, externalAccount)
	It("exchanges the token that replaced it in its file", check.Decides(conformance.ClientsFileRotation), limit, fileRotation)
	It("exchanges it again before the IAM token ends", check.Decides(conformance.ClientsTokenRefresh), limit, tokenRefresh)
})

// stage is an account of the cluster, and a secret that it may read as the IAM
// service account that it is linked to.
type stage struct {
	*signing.Link
	secret *lockbox.Secret
}

// prepare is the twin of all checks here: the suite's own client gets an IAM token
// that reads the secret.
func prepare(ctx context.Context) *stage {
	GinkgoHelper()
	s := &stage{Link: signing.Linked(ctx), secret: calling.Secret(ctx, "")}
	calling.Grant(ctx, calling.Account{ID: s.ServiceAccountID}, calling.Viewer, calling.On(s.secret))
	response := exchanging.Twin(ctx, s.Form(s.Token(ctx)))
	s.account(response.AccessToken).AwaitReads(ctx, s.secret)
	return s
}

func (s *stage) account(token exchange.Token) calling.Account {
	return calling.Account{ID: s.ServiceAccountID, Token: token}
}

// reads demands that an IAM token that a client got reads the secret.
func (s *stage) reads(ctx context.Context, token exchange.Token) {
	GinkgoHelper()
	run.Step("reading a secret with the IAM token")
	payload, err := s.account(token).Read(ctx, s.secret, "")
	check.NoError(calling.Judged(err), "reading a secret with the IAM token that the client got")
	Expect(payload.Entries).To(HaveLen(1), "the payload has other entries")
	Expect(payload.Entries[0].Key).To(Equal(calling.CanaryKey), "the payload has another key")
}

// project writes a token into a file, as the kubelet does.
func project(file string, token exchange.Token) {
	GinkgoHelper()
	check.Prerequisite(os.WriteFile(file, []byte(token.Reveal()), 0o600), "writing a token into a file")
}

// projected is a file of the present spec's own with a token of the cluster.
func (s *stage) projected(ctx context.Context) string {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "sa-token")
	project(file, s.Token(ctx))
	return file
}
