// Package custom checks federations for Kubernetes of the user's own: its issuer is
// a name that nobody else resolves, its key set is a copy in a bucket, and its
// audience is what the user chose.
package custom

import (
	"context"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

const (
	// internalIssuer is the default of an API server.
	internalIssuer = "https://kubernetes.default.svc.cluster.local"
	// plainAudience is the documentation's own (docs: custom Kubernetes, "ycaud").
	plainAudience = "ycaud"
	keySetType    = "application/json"
)

var _ = Describe("A federation for Kubernetes of one's own", func() {
	timeouts := run.Current().Config.Timeouts
	spread := timeouts.Propagation.D()
	It("takes the keys from a bucket", check.Decides(conformance.CustomJWKSFromBucket), forge.Limit(spread), func(ctx SpecContext) {
		letIn(ctx, uploaded(ctx, run.Current().Target.Cluster.Issuer))
	})
	It("takes a plain word for an audience", check.Decides(conformance.CustomPlainStringAudience), forge.Limit(spread), func(ctx SpecContext) {
		letIn(ctx, uploaded(ctx, plainAudience))
	})
	It("never resolves the issuer", check.Decides(conformance.CustomClusterInternalIssuer), forge.Limit(spread), func(ctx SpecContext) {
		forge.Own(ctx, forge.Options{Issuer: internalIssuer, Unready: true}).Settles(ctx)
	})
	It("needs a bucket that everybody reads", check.Decides(conformance.CustomPrivateBucketJWKS), forge.Limit(spread, spread), privateBucket)
	It("knows the keys that were uploaded, and no others", check.Decides(conformance.CustomStaleJWKS), forge.Limit(spread, spread), staleKeys)
})

// link is a linked account whose tokens are for an audience.
type link struct {
	*signing.Link
	audience string
}

// uploaded copies the cluster's key set into a bucket and links an account of the
// cluster through a federation that reads it there.
func uploaded(ctx context.Context, audience string) link {
	GinkgoHelper()
	account := signing.World(ctx)
	run.Step("uploading the cluster's key set")
	keys, err := account.Cluster.SigningKeys(ctx)
	check.Prerequisite(err, "reading the cluster's key set")
	host := forge.SharedHost(ctx)
	address, err := host.PublishAs(ctx, "custom/cluster-jwks.json", keySetType, keys)
	check.Prerequisite(err, "uploading the cluster's key set")
	linked := signing.Unready(ctx, run.Current().Fixtures(), account, provision.FederationSpec{Issuer: account.Of.Issuer, JWKSURL: address, Audiences: []string{audience}})
	return link{linked, audience}
}

// letIn waits until the cluster's token is let in: that is what the checks are about.
func letIn(ctx context.Context, l link) {
	GinkgoHelper()
	granted, err := l.Request(ctx, cluster.TokenSpec{Audiences: []string{l.audience}})
	check.Prerequisite(err, "getting a token of the cluster")
	exchanging.Settles(ctx, "a link is made", l.Form(granted.Token))
}

func privateBucket(ctx SpecContext) {
	f := run.Current().Fixtures()
	bucket, err := f.Bucket(ctx, "private", provision.BucketSpec{})
	check.Prerequisite(err, "making a bucket that is not public")
	host := forge.SharedHost(ctx)
	address, err := f.Put(ctx, bucket, "jwks.json", keySetType, issuer.JWKS(host.Issuer.Keys()...))
	check.Prerequisite(err, "uploading a key set")
	s := forge.KeyedAt(ctx, address)
	exchanging.Refused(ctx, s.Form(s.Token()), "the key set is in a bucket that is not public")

	run.Step("the twin: everybody may read the bucket")
	check.Prerequisite(f.Publish(ctx, bucket, true), "letting everybody read the bucket")
	check.Prerequisite(exchanging.Settled(ctx, "a bucket is public", s.Form(s.Token())), "the twin, for which everybody may read the bucket")
}

func staleKeys(ctx SpecContext) {
	host := forge.SharedHost(ctx)
	old, fresh := key(), key()
	path := "custom/stale-" + old.ID() + ".json"
	address, err := host.PublishAs(ctx, path, keySetType, issuer.JWKS(old))
	check.Prerequisite(err, "uploading a key set")
	s := forge.Own(ctx, forge.Options{JWKSURL: address, Unready: true})
	with := func(k *issuer.Key) exchange.Token { return s.Token(issuer.SignedBy(k)) }
	check.Prerequisite(exchanging.Settled(ctx, "a link is made", s.Form(with(old))), "the twin, whose key was uploaded")
	exchanging.Refused(ctx, s.Form(with(fresh)), "the key was made after the key set was uploaded")

	run.Step("uploading the key set again")
	_, err = host.PublishAs(ctx, path, keySetType, issuer.JWKS(old, fresh))
	check.Prerequisite(err, "uploading the key set again")
	exchanging.Settles(ctx, "a new key is known", s.Form(with(fresh)))
}

func key() *issuer.Key {
	GinkgoHelper()
	made, err := issuer.NewKey(issuer.RSA, "")
	check.Prerequisite(err, "making a key")
	return made
}
