package signing

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Account is a Kubernetes service account in a namespace of the checks' own.
type Account struct {
	// Cluster is a connection to the cluster, and Of what the cloud says of it.
	Cluster         *cluster.Cluster
	Of              provision.Cluster
	Namespace, Name string
}

// Subject is the `sub` of its tokens.
func (a *Account) Subject() string { return "system:serviceaccount:" + a.Namespace + ":" + a.Name }

// Request asks for a token, bounded by timeout.call.
func (a *Account) Request(ctx context.Context, spec cluster.TokenSpec) (cluster.GrantedToken, error) {
	ctx, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Call.D())
	defer cancel()
	return a.Cluster.RequestToken(ctx, a.Namespace, a.Name, spec)
}

// Token is a token as the tutorial's pod has it, for the cluster's issuer; a check
// that does not get one knows nothing.
func (a *Account) Token(ctx context.Context) exchange.Token {
	ginkgo.GinkgoHelper()
	granted, err := a.Request(ctx, cluster.TokenSpec{Audiences: []string{a.Of.Issuer}})
	check.Prerequisite(err, "getting a token of the cluster")
	return granted.Token
}

// In makes an account in a cluster. f deletes it with its namespace, or the
// cluster's deletion does.
func In(ctx context.Context, f *provision.Fixtures, of provision.Cluster) *Account {
	ginkgo.GinkgoHelper()
	opened, err := run.Current().Open(of)
	check.Prerequisite(err, "connecting to the cluster "+of.Name)
	namespace, err := f.Namespace(ctx, "check", of)
	check.Prerequisite(err, "making a namespace for the check")
	return &Account{Cluster: opened, Of: of, Namespace: namespace, Name: provision.KSAName}
}

// shared is this process's own, see World and Linked.
var shared struct {
	sync.Mutex
	account *Account
	linked  *Link
	// unusable is set if the cluster's tokens are not exchanged: each check would
	// wait in vain again.
	unusable error
}

// World is the account in the run's namespace that all checks of this process share,
// made by the first that asks for it. It goes with the namespace.
func World(ctx context.Context) *Account {
	ginkgo.GinkgoHelper()
	shared.Lock()
	defer shared.Unlock()
	if shared.account == nil {
		run.Step("making a Kubernetes service account")
		r := run.Current()
		a := &Account{Cluster: r.Cluster, Of: r.Target.Cluster, Namespace: r.Target.Namespace, Name: "checks-" + strings.ToLower(rand.Text()[:8])}
		check.Prerequisite(a.Cluster.CreateServiceAccount(ctx, a.Namespace, a.Name), "making a Kubernetes service account for the checks")
		shared.account = a
	}
	return shared.account
}
