package exchange

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A link", func() {
	propagation := run.Current().Config.Timeouts.Propagation.D()
	It("lets in through its own of two federations with one issuer", check.Decides(conformance.ExchangeTwoFederationsSameIssuer), forge.Limit(propagation, propagation), twoFederations)
	It("reaches a service account in another folder", check.Decides(conformance.ExchangeSAInAnotherFolder), forge.Limit(propagation), func(ctx SpecContext) {
		own := forge.Own(ctx, forge.Options{AccountFolder: run.Current().Config.OtherFolderID, Unready: true})
		own.Settles(ctx)
	})
})

// twoFederations has two that differ in their audience and key set, each with an
// account of its own; each is tried with what the other would let in.
func twoFederations(ctx SpecContext) {
	one := forge.World(ctx)
	key := listed()
	address, err := one.Publish(ctx, "second/"+key.ID()+".json", issuer.JWKS(key))
	check.Prerequisite(err, "publishing the key of the second federation")
	two := forge.Own(ctx, forge.Options{JWKSURL: address, Unready: true})
	with := issuer.SignedBy(key)
	exchanging.Settles(ctx, "a link is made", two.Form(two.Token(with)))
	exchanging.Accepted(ctx, one.Form(one.Token()))

	exchanging.Refused(ctx, two.Form(one.Token()), "the token is the one federation's, and the service account is linked to the other")
	exchanging.Refused(ctx, one.Form(two.Token(with)), "the token is the other federation's, and the service account is linked to the one")
	exchanging.Refused(ctx, one.Form(one.Token(with)), "a key that the other federation alone publishes signed the token")
	exchanging.Refused(ctx, one.Form(one.Token(issuer.WithClaim("aud", two.Audience))), "the aud of the token is an audience of the other federation alone")
}

var _ = Describe("A refusal", func() {
	It("does not tell whether a service account exists", check.Decides(conformance.ExchangeNoExistenceOracle), forge.Limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token()))
		unlinked, err := run.Current().Fixtures().ServiceAccount(ctx, "unlinked", "")
		check.Prerequisite(err, "making a service account without a link")
		nobody := unknownAccount(unlinked)
		there := exchanging.Refused(ctx, exchange.Form(w.Token(), unlinked), "the service account has no link")
		missing := exchanging.Refused(ctx, exchange.Form(w.Token(), nobody), "the service account does not exist")
		Expect(told(missing, nobody)).To(Equal(told(there, unlinked)), "a service account that does not exist is refused otherwise than one without a link")
	})

	It("has the form of the RFCs, whatever it is for", check.Decides(conformance.ExchangeRefusalShape), forge.Limit(), refusalShape)
})

// unknownAccount is an id in the form of a known one that nobody has.
func unknownAccount(known string) string {
	const prefix = 3
	// Ids are lower-case base32hex after the prefix; A to V are as likely as the rest.
	random := strings.NewReplacer("w", "0", "x", "1", "y", "8", "z", "9").Replace(strings.ToLower(rand.Text()))
	return known[:prefix] + random[:len(known)-prefix]
}

// told is what a refusal says, without the id that the request named.
func told(r exchange.Refusal, id string) string {
	return fmt.Sprintf("%d %s: %s", r.Status, r.Code, strings.ReplaceAll(r.Description, id, "ID"))
}

// refusalShape looks at refusals for reasons that lie in different parts of an
// implementation. What is accepted has no form to look at: that it is accepted is
// for other requirements to judge.
func refusalShape(ctx SpecContext) {
	w := forge.World(ctx)
	exchanging.Twin(ctx, w.Form(w.Token()))
	missing := w.Form(w.Token())
	missing.Del("subject_token_type")
	seen := 0
	for _, c := range []struct {
		changed string
		form    url.Values
	}{
		{"subject_token_type is missing", missing},
		{"the service account does not exist", exchange.Form(w.Token(), unknownAccount(w.AccountID))},
		{"the token is cut off", w.Form(w.Token(issuer.Truncated(4)))},
		{"another key signed the token under a published kid", w.Form(w.Token(issuer.SignatureOf(unpublished())))},
		{"the token is expired", w.Form(w.Token(append(longLived(), at("exp", -longestLife))...))},
		{"the token's aud is another URL", w.Form(w.Token(issuer.WithClaim("aud", "https://other.example")))},
		{"the token's sub is another account", w.Form(w.Token(issuer.WithClaim("sub", w.Subject+"-2")))},
	} {
		response, err := exchanging.Do(ctx, c.form)
		if err == nil {
			run.Step("accepted, so that there is no refusal to look at: " + c.changed)
			continue
		}
		seen++
		refused := exchanging.MustRefuse(response, err, c.changed)
		Expect(refused.Breaches()).To(BeEmpty(), "the refusal (%d, request id %s) is not of the form that the RFCs demand, where %s", refused.Status, refused.RequestID, c.changed)
	}
	if seen == 0 {
		check.Prerequisite(errors.New("each request was accepted"), "looking for a refusal")
	}
}
