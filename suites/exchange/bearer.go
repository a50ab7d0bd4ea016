package exchange

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// longestLife of an IAM token that is documented.
const longestLife = 12 * time.Hour

// bearerToken uses the IAM token for what a role of the account allows, and at
// last for what says whose it is.
func bearerToken(ctx SpecContext) {
	r := run.Current()
	own := forge.Own(ctx, forge.Options{Unready: true})
	r.Settle(ctx, "a link is made", exchanging.Probe(own.Form(own.Token())))
	response := exchanging.Accepted(ctx, own.Form(own.Token()))
	Expect(response.ExpiresIn).To(And(BeNumerically(">", 0), BeNumerically("<=", longestLife)), "expires_in is not that of an IAM token")

	run.Step("reading a secret with the IAM token")
	secret, err := own.Fixtures.Secret(ctx, "check", provision.SecretSpec{Entries: []*lockbox.PayloadEntryChange{provision.TextEntry("key", "value")}})
	check.Prerequisite(err, "making a secret for the check")
	err = own.Fixtures.Grant(ctx, own.AccountID, provision.RolePayloadViewer, provision.On{Kind: provision.OnSecret, ID: secret.GetId()})
	check.Prerequisite(err, "granting the role on the secret")
	client := as(ctx, response.AccessToken)
	r.Settle(ctx, "a role is granted", func(ctx context.Context) error {
		_, err := client.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.GetId()})
		return answered(err)
	})

	run.Step("asking whose the IAM token is, by revoking it")
	revoked, err := client.IAMTokens().Revoke(ctx, &iam.RevokeIamTokenRequest{IamToken: response.AccessToken.Reveal()})
	check.NoError(answered(err), "revoking the IAM token")
	Expect(revoked.GetSubjectId()).To(Equal(own.AccountID), "the IAM token is not that of the service account which the exchange named")
}

// as connects to the cloud as the owner of an IAM token.
func as(ctx context.Context, token exchange.Token) *cloud.Client {
	GinkgoHelper()
	r := run.Current()
	client, err := cloud.Connect(ctx, cloud.Options{Endpoint: r.Config.Endpoint, RunID: r.Info.RunID, CallTimeout: r.Config.Timeouts.Call.D(),
		Credentials: config.Credentials{IAMToken: config.NewSecret(token.Reveal())}})
	check.Prerequisite(err, "connecting to the cloud with the IAM token")
	DeferCleanup(func(ctx SpecContext) { _ = client.Close(ctx) }, run.Limit())
	return client
}

// answered makes the target's failure of a call that lacks rights: it is made as
// the account of the check, not as the harness's own.
func answered(err error) error {
	switch cloud.ClassOf(err) {
	case cloud.ClassPermission, cloud.ClassUnauthenticated:
		return errors.New(err.Error())
	}
	return err
}
