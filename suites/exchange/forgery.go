package exchange

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// forgery is a token that differs from one that passes in one thing.
type forgery struct {
	// changed says in what: it follows on "exchanging, although ...".
	changed string
	with    []issuer.Mutation
}

func but(changed string, with ...issuer.Mutation) forgery { return forgery{changed, with} }

// rule is a requirement that forgeries are refused. The answer that is noted is the
// last one's: the plainest case stands at the end.
type rule struct {
	requirement, text string
	forgeries         func(context.Context, *forge.Stack) []forgery
	// twin is what the token has that passes; nil is nothing special.
	twin func() []issuer.Mutation
}

// refuse makes the specs of rules.
func refuse(rules ...rule) {
	GinkgoHelper()
	for _, r := range rules {
		It(r.text, check.Decides(r.requirement), limit(), func(ctx SpecContext) { r.decide(ctx) })
	}
}

// limit bounds a spec that makes exchanges with a stack.
func limit() NodeTimeout {
	one := run.Current().Config.Timeouts.Exchange.D()
	return forge.Limit(one, one, one, one)
}

func (r rule) decide(ctx context.Context) {
	GinkgoHelper()
	w := forge.World(ctx)
	var twin []issuer.Mutation
	if r.twin != nil {
		twin = r.twin()
	}
	exchanging.Twin(ctx, w.Form(w.Token(twin...)))
	for _, f := range r.forgeries(ctx, w) {
		exchanging.Refused(ctx, w.Form(w.Token(slices.Concat(twin, f.with)...)), f.changed)
	}
}

// Strangers are keys that the world's issuer does not have, for all checks of this
// process: making one takes longer than the rest of a check. They are as many as there
// are places where a key may be known from.
var (
	onlyStranger    = newStranger(issuer.Unpublished)
	pointedStranger = newStranger(issuer.PointedTo)
	listedStranger  = newStranger(issuer.Listed)
)

func newStranger(part issuer.Part) func() (*issuer.Key, error) {
	return sync.OnceValues(func() (*issuer.Key, error) { return forge.Key(part) })
}

// unpublished is never published, pointedTo never in the key set of a federation.
func unpublished() *issuer.Key { GinkgoHelper(); return made(onlyStranger) }
func pointedTo() *issuer.Key   { GinkgoHelper(); return made(pointedStranger) }

// listed is the key of a federation for which it need not be new, under a kid that no
// other has.
func listed() *issuer.Key { GinkgoHelper(); return made(listedStranger).Named(rand.Text()) }

func made(from func() (*issuer.Key, error)) *issuer.Key {
	GinkgoHelper()
	key, err := from()
	check.Prerequisite(err, "making a stranger's key")
	return key
}
