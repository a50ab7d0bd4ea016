package access

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A request for a payload", func() {
	It("is refused without a token", check.Decides(conformance.AccessNoBearer), limit(), noBearer)
	It("is refused with what is no IAM token", check.Decides(conformance.AccessMalformedToken), limit(), malformedToken)
	It("is refused with a token that has expired", check.Decides(conformance.AccessExpiredToken), limit(), expiredToken)
	It("is refused with a token that was revoked", check.Decides(conformance.AccessRevokedToken), limit(), revokedToken)
})

// entitled is an account that reads a secret: whatever is refused now, it is not
// for a role.
func entitled(ctx context.Context) (calling.Account, *lockbox.Secret) {
	GinkgoHelper()
	account, secret := calling.Shared(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	account.AwaitReads(ctx, secret)
	return account, secret
}

// unauthenticated demands a 401 for a request with another Authorization header.
func unauthenticated(ctx context.Context, secret *lockbox.Secret, header config.Secret, changed string) {
	GinkgoHelper()
	calling.Refuse(func() error {
		answer, err := calling.Ask(ctx, payload.Request{SecretID: secret.GetId(), Authorization: header})
		if err != nil {
			return err
		}
		_, err = answer.Payload()
		return err
	}, changed, codes.Unauthenticated)
}

func noBearer(ctx SpecContext) {
	_, secret := entitled(ctx)
	unauthenticated(ctx, secret, config.Secret{}, "there is no Authorization header")
}

// malformedToken begins with what a shell sends when the exchange was refused: jq
// prints null.
func malformedToken(ctx SpecContext) {
	account, secret := entitled(ctx)
	token := account.Token.Reveal()
	unauthenticated(ctx, secret, payload.Bearer("null"), "the token is the word null")
	unauthenticated(ctx, secret, payload.Bearer("t1.AAAA.AAAA"), "the token has the form of one, and is none")
	unauthenticated(ctx, secret, payload.Bearer(token[:len(token)-8]), "the token's last 8 characters are cut off")
	unauthenticated(ctx, secret, payload.Bearer(altered(token)), "a character within the token's last part is changed")
	unauthenticated(ctx, secret, config.NewSecret("Basic "+token), "the scheme is Basic")
	unauthenticated(ctx, secret, config.NewSecret(token), "the token stands without the word Bearer")
}

// altered changes a character in the middle of a token's last part: the last one of
// all may have bits that mean nothing.
func altered(token string) string {
	at := (strings.LastIndexByte(token, '.') + len(token)) / 2
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

// expiredToken presents the expired token that the user gave, whoever's it is. The
// twin is a token of the run's own account, which may read the secret.
func expiredToken(ctx SpecContext) {
	secret := calling.Secret(ctx, "")
	_, err := calling.Self(ctx).Read(ctx, secret, "")
	check.Prerequisite(err, "the twin, with an IAM token of the run's own account that has not expired")
	unauthenticated(ctx, secret, payload.Bearer(run.Current().Config.ExpiredToken.Reveal()), "the token has expired")
}

// revokedToken has an account of its own: the cloud may give one token to all that
// ask for one.
func revokedToken(ctx SpecContext) {
	account, secret := calling.Own(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	account.AwaitReads(ctx, secret)
	run.Step("revoking the token")
	_, err := account.API(ctx).IAMTokens().Revoke(ctx, &iam.RevokeIamTokenRequest{IamToken: account.Token.Reveal()})
	check.Prerequisite(err, "revoking the IAM token")
	run.Current().Settle(ctx, "an IAM token is revoked", func(ctx context.Context) error {
		_, err := account.Read(ctx, secret, "")
		return calling.Refusal(err, codes.Unauthenticated)
	})
}
