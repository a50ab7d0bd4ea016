package exchange

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
)

// demanded are the parameters that a request cannot do without: those that
// RFC 8693 section 2.1 demands, and the audience, which names the service account.
// What becomes of a request without requested_token_type, which the RFC leaves
// open, is noted.
var demanded = []string{"grant_type", "audience", "subject_token", "subject_token_type"}

// single are the parameters that a request must not have twice. RFC 8693 allows
// several audiences; what becomes of them here is noted.
var single = []string{"grant_type", "requested_token_type", "subject_token", "subject_token_type"}

const (
	optional   = "requested_token_type"
	repeatable = "audience"
)

var _ = Describe("A request", func() {
	It("without one of its parameters is refused", check.Decides(conformance.ExchangeParameterMissing), limit(), func(ctx SpecContext) {
		changed(ctx, demanded, optional, "is missing", url.Values.Del)
	})
	It("with a parameter that has no value is refused", check.Decides(conformance.ExchangeParameterEmpty), limit(), func(ctx SpecContext) {
		changed(ctx, demanded, optional, "is empty", func(form url.Values, name string) { form.Set(name, "") })
	})
	It("with a parameter that is there twice is refused", check.Decides(conformance.ExchangeParameterTwice), limit(), func(ctx SpecContext) {
		changed(ctx, single, repeatable, "is there twice", func(form url.Values, name string) { form.Add(name, form.Get(name)) })
	})
	It("with a URN that is not the documented one is refused", check.Decides(conformance.ExchangeURNWrong), limit(), wrongURNs)
	It("for an unknown grant is refused as such", check.Decides(conformance.ExchangeGrantUnknown), limit(), func(ctx SpecContext) {
		form := passing(ctx)
		form.Set("grant_type", "urn:wlif-conformance:grant-type:unknown")
		refused := exchanging.Refused(ctx, form, "nobody knows its grant_type")
		Expect(refused.Code).To(Equal("unsupported_grant_type"), "the error of the refusal is not that of an unknown grant")
	})
	It("by GET is refused", check.Decides(conformance.ExchangeMethodGet), limit(), func(ctx SpecContext) {
		response, err := exchanging.Send(ctx, http.MethodGet, "", passing(ctx).Encode())
		exchanging.MustTurnAway(response, err, "the request is made by GET")
	})

	It("in JSON is accepted or not", check.Decides(conformance.ExchangeJSONBody), limit(), func(ctx SpecContext) {
		parameters := map[string]string{}
		for name, values := range passing(ctx) {
			parameters[name] = values[0]
		}
		body, err := json.Marshal(parameters)
		check.Prerequisite(err, "writing the parameters as JSON")
		_, err = exchanging.Send(ctx, http.MethodPost, "application/json", string(body))
		check.ObserveAnswer(err, "exchanging by a request in JSON")
	})
	It("without a content type is accepted or not", check.Decides(conformance.ExchangeContentTypeMissing), limit(), func(ctx SpecContext) {
		_, err := exchanging.Send(ctx, http.MethodPost, "", passing(ctx).Encode())
		check.ObserveAnswer(err, "exchanging by a request without a content type")
	})
	It("with a line break after the token is accepted or not", check.Decides(conformance.ExchangeTokenWithNewline), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token()))
		broken := w.Token(issuer.Rewritten(func(compact string) (string, error) { return compact + "\n", nil }))
		_, err := exchanging.Do(ctx, w.Form(broken))
		check.ObserveAnswer(err, "exchanging a token with a line break after it")
	})
})

// passing is a request that has been seen to pass: the twin of what a check makes
// of it.
func passing(ctx context.Context) url.Values {
	GinkgoHelper()
	w := forge.World(ctx)
	form := w.Form(w.Token())
	exchanging.Twin(ctx, form)
	return form
}

// changed demands that a request is refused when any one of the parameters is
// changed, and notes what becomes of one that the RFC leaves open.
func changed(ctx context.Context, parameters []string, open, how string, change func(url.Values, string)) {
	GinkgoHelper()
	twin := passing(ctx)
	with := func(name string) url.Values {
		form := maps.Clone(twin)
		change(form, name)
		return form
	}
	_, err := exchanging.Do(ctx, with(open))
	check.ObserveOutcome(open+" "+how, err, "exchanging by a request whose "+open+" "+how)
	for _, name := range parameters {
		exchanging.Refused(ctx, with(name), name+" "+how)
	}
}

// wrongURNs tries a URN of nobody's and one of RFC 8693 that is not the documented
// one.
func wrongURNs(ctx SpecContext) {
	twin := passing(ctx)
	for _, wrong := range []struct{ name, urn string }{
		{"grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"},
		{"grant_type", exchange.GrantType + "-2"},
		{"requested_token_type", "urn:ietf:params:oauth:token-type:saml2"},
		{"requested_token_type", exchange.RequestedTokenType + "-2"},
		{"subject_token_type", "urn:ietf:params:oauth:token-type:saml2"},
		{"subject_token_type", exchange.SubjectTokenType + "-2"},
	} {
		form := maps.Clone(twin)
		form.Set(wrong.name, wrong.urn)
		exchanging.Refused(ctx, form, "its "+wrong.name+" is "+wrong.urn)
	}
}
