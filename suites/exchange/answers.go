package exchange

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("An exchange", func() {
	It("gives an IAM token of the linked service account", check.Decides(conformance.ExchangeBearerToken),
		forge.Limit(run.Current().Config.Timeouts.Operation.D(), run.Current().Config.Timeouts.Propagation.D()), bearerToken)
	It("forbids to keep its answer", check.Decides(conformance.ExchangeNotCacheable), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		response := exchanging.Accepted(ctx, w.Form(w.Token()))
		Expect(directives(response.Header)).To(ContainElement("no-store"), "Cache-Control does not forbid to keep the answer")
	})
	It("names the type of its token or not", check.Decides(conformance.ExchangeIssuedTokenType), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		response := exchanging.Twin(ctx, w.Form(w.Token()))
		check.Observe("issued_token_type", cmp.Or(response.IssuedTokenType, "none"))
	})
	It("accepts signatures of several algorithms, or not", check.Decides(conformance.ExchangeAlgorithms), limit(), algorithms)
	It("accepts a token that is for others, too", check.Decides(conformance.ExchangeAudArrayWithMatch), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token()))
		others := []string{"https://other.example", "https://third.example"}
		for place := range len(others) + 1 {
			exchanging.Accepted(ctx, w.Form(w.Token(issuer.WithClaim("aud", slices.Insert(slices.Clone(others), place, w.Audience)))))
		}
	})
	It("ignores parameters that nobody knows", check.Decides(conformance.ExchangeExtraParametersIgnored), limit(), func(ctx SpecContext) {
		form := passing(ctx)
		form.Set("wlif_conformance_unknown", "value")
		exchanging.Accepted(ctx, form)
	})
	It("tolerates an empty scope", check.Decides(conformance.ExchangeEmptyScopeTolerated), limit(), func(ctx SpecContext) {
		form := passing(ctx)
		form.Set("scope", "")
		exchanging.Accepted(ctx, form)
	})
	It("accepts a token twice or not", check.Decides(conformance.ExchangeRepeatable), limit(), func(ctx SpecContext) {
		_, err := exchanging.Do(ctx, passing(ctx))
		check.ObserveAnswer(err, "exchanging a token for the second time")
	})
	It("accepts a subject_token_type of jwt or not", check.Decides(conformance.ExchangeJWTSubjectTokenType), limit(), func(ctx SpecContext) {
		form := passing(ctx)
		form.Set("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
		_, err := exchanging.Do(ctx, form)
		check.ObserveAnswer(err, "exchanging a token as one of the type jwt")
	})
	It("succeeds for 64 at the same time", check.Decides(conformance.ExchangeConcurrent), limit(), concurrent)
})

// directives are those of Cache-Control (RFC 9111 section 5.2).
func directives(header http.Header) []string {
	var out []string
	for _, value := range header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(value, ",") {
			out = append(out, strings.ToLower(strings.TrimSpace(directive)))
		}
	}
	return out
}

// algorithms has a stack of its own: a key of the shared issuer is for one
// algorithm, and PS256 needs an RSA key of its own.
func algorithms(ctx SpecContext) {
	host := forge.SharedHost(ctx)
	keys := host.Issuer.Keys()
	pss, err := listed().Using("PS256")
	check.Prerequisite(err, "using a key for PS256")
	keys = append(keys, pss)
	address, err := host.Publish(ctx, "algorithms/jwks.json", issuer.JWKS(keys...))
	check.Prerequisite(err, "publishing keys of several algorithms")
	own := forge.Own(ctx, forge.Options{JWKSURL: address})
	exchanging.Twin(ctx, own.Form(own.Token()))
	for _, key := range keys {
		_, err := exchanging.Do(ctx, own.Form(own.Token(issuer.SignedBy(key))))
		check.ObserveOutcome(key.Algorithm(), err, "exchanging a token that is signed with "+key.Algorithm())
	}
}

// concurrent makes as many exchanges as a deployment that starts.
func concurrent(ctx SpecContext) {
	const many = 64
	w := forge.World(ctx)
	exchanging.Twin(ctx, w.Form(w.Token()))
	forms := make([]url.Values, many)
	for i := range forms {
		forms[i] = w.Form(w.Token())
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed []error
	)
	for _, form := range forms {
		wg.Go(func() {
			if _, err := exchanging.Do(ctx, form); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		check.NoError(failed[0], fmt.Sprintf("making %d exchanges at the same time, of which %d failed", many, len(failed)))
	}
}
