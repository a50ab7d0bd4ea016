package calling

import (
	"context"

	"github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Account is an account that a check calls as.
type Account struct {
	// ID is the service account's; empty is the run's own account.
	ID    string
	Token exchange.Token
}

// Self is the account of the run.
func Self(ctx context.Context) Account {
	ginkgo.GinkgoHelper()
	token, err := run.Current().Cloud.IAMToken(ctx)
	check.Prerequisite(err, "obtaining an IAM token of the run's own account")
	return Account{Token: exchange.Token(token.Value.Reveal())}
}

// Shared is a service account that all checks of this process share. It has no
// role on any folder; a check may give it one on what is the check's own.
func Shared(ctx context.Context) Account {
	ginkgo.GinkgoHelper()
	return SignIn(ctx, forge.World(ctx))
}

// Own is a service account of the present spec's own, without any role.
func Own(ctx context.Context) Account {
	ginkgo.GinkgoHelper()
	return SignIn(ctx, forge.Beside(ctx, ""))
}

// SignIn exchanges a token for an IAM token of a stack's service account.
func SignIn(ctx context.Context, s *forge.Stack) Account {
	ginkgo.GinkgoHelper()
	response, err := exchanging.Do(ctx, s.Form(s.Token()))
	check.Prerequisite(err, "getting an IAM token of the service account")
	return Account{ID: s.AccountID, Token: response.AccessToken}
}

// API connects to the cloud's API as the account, for as long as the present spec
// runs.
func (a Account) API(ctx context.Context) *cloud.Client {
	ginkgo.GinkgoHelper()
	r := run.Current()
	if a.ID == "" {
		return r.Cloud
	}
	client, err := cloud.Connect(ctx, cloud.Options{
		Endpoint: r.Config.Endpoint, Credentials: config.Credentials{IAMToken: config.NewSecret(a.Token.Reveal())},
		RunID: r.Info.RunID, CallTimeout: r.Config.Timeouts.Call.D(), Trace: r.Trace,
	})
	check.Prerequisite(err, "connecting to the cloud as "+a.name())
	ginkgo.DeferCleanup(func(ctx ginkgo.SpecContext) {
		_ = client.Close(ctx) // nothing can be lost
	}, run.Limit())
	return client
}

func (a Account) name() string {
	if a.ID == "" {
		return "the run's own account"
	}
	return "service account " + a.ID
}
