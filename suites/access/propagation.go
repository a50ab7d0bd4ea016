package access

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A change of rights", func() {
	It("takes effect when a role is granted", check.Decides(conformance.AccessGrantPropagation), samplesLimit(), grantPropagation)
	It("takes effect when a role is revoked", check.Decides(conformance.AccessRevokePropagation), samplesLimit(), revokePropagation)
})

// samples is how often a change is measured by one check; the others add theirs.
const samples = 3

func samplesLimit() NodeTimeout {
	p := run.Current().Config.Timeouts.Propagation.D()
	return forge.Limit(p, p, p, p)
}

func secrets(ctx context.Context) []*lockbox.Secret {
	GinkgoHelper()
	var out []*lockbox.Secret
	for range samples {
		out = append(out, calling.Secret(ctx, ""))
	}
	return out
}

func grantPropagation(ctx SpecContext) {
	account := calling.Shared(ctx)
	for _, secret := range secrets(ctx) {
		calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
		run.Current().Settle(ctx, calling.RoleGranted, account.Reads(secret))
	}
}

func revokePropagation(ctx SpecContext) {
	account, all := calling.Shared(ctx), secrets(ctx)
	for _, secret := range all {
		calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	}
	for _, secret := range all {
		account.AwaitReads(ctx, secret)
		calling.Revoke(ctx, account, calling.Viewer, calling.On(secret))
		run.Current().Settle(ctx, calling.RoleRevoked, refusesRead(account, secret))
	}
}
