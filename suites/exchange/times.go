package exchange

import (
	"context"
	"fmt"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
)

var _ = Describe("The life of a token", func() {
	refuse(
		rule{requirement: conformance.ExchangeExpired, text: "that is over ends its use", twin: longLived,
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("the token expired an hour ago", at("exp", -time.Hour))}
			}},
		rule{requirement: conformance.ExchangeNbfInFuture, text: "that has not begun keeps it from use", twin: longLived,
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("the token is to be valid in an hour", at("nbf", time.Hour))}
			}},
		rule{requirement: conformance.ExchangeExpMissing, text: "must have an end", twin: longLived,
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("the token has no exp", issuer.WithoutClaim("exp"))}
			}},
		rule{requirement: conformance.ExchangeExpAsString, text: "must have a numeric end", twin: longLived,
			forgeries: func(context.Context, *forge.Stack) []forgery {
				end := time.Now().Add(2 * time.Hour)
				return []forgery{
					but("exp is a date in words", issuer.WithClaim("exp", end.UTC().Format(time.RFC3339))),
					but("exp is a string of digits", issuer.WithClaim("exp", strconv.FormatInt(end.Unix(), 10))),
				}
			}},
	)

	It("may begin with an iat in the future, or not", check.Decides(conformance.ExchangeIatInFuture), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token(longLived()...)))
		_, err := exchanging.Do(ctx, w.Form(w.Token(append(longLived(), at("iat", time.Hour))...)))
		check.ObserveAnswer(err, "exchanging a token that is issued in an hour")
	})

	It("has blurred ends, or not", check.Decides(conformance.ExchangeClockSkew), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token(longLived()...)))
		for _, skew := range []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute} {
			_, err := exchanging.Do(ctx, w.Form(w.Token(append(longLived(), at("exp", -skew))...)))
			check.ObserveOutcome(fmt.Sprintf("exp %s ago", skew), err, "exchanging a token that has just expired")
			_, err = exchanging.Do(ctx, w.Form(w.Token(append(longLived(), at("nbf", skew))...)))
			check.ObserveOutcome(fmt.Sprintf("nbf in %s", skew), err, "exchanging a token that is not quite valid yet")
		}
	})
})

// longLived is a life with room for each of its ends to be moved by an hour, and
// still come after the others.
func longLived() []issuer.Mutation {
	return []issuer.Mutation{at("iat", -2*time.Hour), at("nbf", -2*time.Hour), at("exp", 2*time.Hour)}
}

// at sets a claim to a time from now.
func at(claim string, fromNow time.Duration) issuer.Mutation {
	return issuer.WithClaim(claim, time.Now().Add(fromNow))
}
