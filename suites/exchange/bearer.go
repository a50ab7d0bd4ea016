package exchange

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// longestLife of an IAM token that is documented.
const longestLife = 12 * time.Hour

// bearerToken uses the IAM token for what a role of the account allows, and at
// last for what says whose it is.
func bearerToken(ctx SpecContext) {
	own := forge.Own(ctx, forge.Options{Unready: true})
	own.Settles(ctx)
	response := exchanging.Accepted(ctx, own.Form(own.Token()))
	Expect(response.ExpiresIn).To(And(BeNumerically(">", 0), BeNumerically("<=", longestLife)), "expires_in is not that of an IAM token")

	account := calling.Account{ID: own.AccountID, Token: response.AccessToken}
	secret := calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	run.Step("reading a secret with the IAM token")
	run.Current().Settle(ctx, calling.RoleGranted, account.Reads(secret))

	run.Step("asking whose the IAM token is, by revoking it")
	revoked, err := account.API(ctx).IAMTokens().Revoke(ctx, &iam.RevokeIamTokenRequest{IamToken: account.Token.Reveal()})
	check.NoError(calling.Judged(err), "revoking the IAM token")
	Expect(revoked.GetSubjectId()).To(Equal(own.AccountID), "the IAM token is not that of the service account which the exchange named")
}
