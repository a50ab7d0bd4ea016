package exchange

import (
	"context"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
)

var _ = Describe("An issuer", func() {
	refuse(
		rule{requirement: conformance.ExchangeIssOther, text: "that is not the federation's is refused", forgeries: otherIssuers},
		rule{requirement: conformance.ExchangeIssTrailingSlash, text: "with a slash after it is refused",
			forgeries: func(_ context.Context, w *forge.Stack) []forgery {
				return []forgery{but("the token's iss ends with a slash", issuer.WithClaim("iss", w.IssuerURL+"/"))}
			}},
		rule{requirement: conformance.ExchangeIssHTTP, text: "with http instead of https is refused",
			forgeries: func(_ context.Context, w *forge.Stack) []forgery {
				u := issuerURL(w)
				u.Scheme = "http"
				return []forgery{but("the token's iss begins with http://", issuer.WithClaim("iss", u.String()))}
			}},
		rule{requirement: conformance.ExchangeIssCase, text: "in other letter case is refused", forgeries: issuersInOtherCase},
	)
})

// issuerURL takes the world's issuer apart; it is an https URL with a path.
func issuerURL(w *forge.Stack) *url.URL {
	GinkgoHelper()
	u, err := url.Parse(w.IssuerURL)
	check.Prerequisite(err, "taking the issuer apart")
	return u
}

func otherIssuers(_ context.Context, w *forge.Stack) []forgery {
	parent := *issuerURL(w)
	parent.Path = parent.Path[:strings.LastIndex(parent.Path, "/")]
	return []forgery{
		but("the token has no iss", issuer.WithoutClaim("iss")),
		but("the token's iss is empty", issuer.WithClaim("iss", "")),
		but("the token's iss is a page below the issuer", issuer.WithClaim("iss", w.IssuerURL+"/other")),
		but("the token's iss begins like the issuer", issuer.WithClaim("iss", w.IssuerURL+"-2")),
		but("the token's iss is a page above the issuer", issuer.WithClaim("iss", parent.String())),
		but("the token's iss has the issuer in its query", issuer.WithClaim("iss", "https://other.example/?"+w.IssuerURL)),
		but("the token's iss is another URL", issuer.WithClaim("iss", "https://other.example/issuer")),
	}
}

// issuersInOtherCase changes what even browsers take for the same, too: an iss is
// no URL to be visited.
func issuersInOtherCase(_ context.Context, w *forge.Stack) []forgery {
	u := issuerURL(w)
	u.Path = strings.ToUpper(u.Path)
	return []forgery{
		but("the token's iss is in capitals", issuer.WithClaim("iss", strings.ToUpper(w.IssuerURL))),
		but("the token's iss begins with HTTPS://", issuer.WithClaim("iss", strings.Replace(w.IssuerURL, "https://", "HTTPS://", 1))),
		but("the path of the token's iss is in capitals", issuer.WithClaim("iss", u.String())),
	}
}

var _ = Describe("An audience", func() {
	refuse(
		rule{requirement: conformance.ExchangeAudOther, text: "that is not the federation's is refused", forgeries: otherAudiences},
		rule{requirement: conformance.ExchangeAudArrayNoMatch, text: "that is not the federation's is refused in an array, too",
			forgeries: func(_ context.Context, w *forge.Stack) []forgery {
				return []forgery{but("none of the three in the token's aud is an audience of the federation",
					issuer.WithClaim("aud", []string{"https://other.example", w.Audience + "/", "https://third.example"}))}
			}},
		rule{requirement: conformance.ExchangeAudMissing, text: "must be there",
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("the token has no aud", issuer.WithoutClaim("aud"))}
			}},
		rule{requirement: conformance.ExchangeAudEmpty, text: "must not be empty",
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{
					but("the token's aud is an array with an empty text", issuer.WithClaim("aud", []string{""})),
					but("the token's aud is an empty text", issuer.WithClaim("aud", "")),
					but("the token's aud is an empty array", issuer.WithClaim("aud", []string{})),
				}
			}},
		rule{requirement: conformance.ExchangeAudIsSAID, text: "that is the service account's id is refused",
			forgeries: func(_ context.Context, w *forge.Stack) []forgery {
				return []forgery{
					but("the token's aud is the id of the service account, in an array", issuer.WithClaim("aud", []string{w.AccountID})),
					but("the token's aud is the id of the service account", issuer.WithClaim("aud", w.AccountID)),
				}
			}},
	)
})

func otherAudiences(_ context.Context, w *forge.Stack) []forgery {
	return []forgery{
		but("the token's aud ends with a slash", issuer.WithClaim("aud", w.Audience+"/")),
		but("the token's aud is in capitals", issuer.WithClaim("aud", strings.ToUpper(w.Audience))),
		but("the token's aud begins like the federation's audience", issuer.WithClaim("aud", w.Audience+"-2")),
		but("the token's aud is the beginning of the federation's audience", issuer.WithClaim("aud", w.Audience[:len(w.Audience)-1])),
		but("the token's aud is another URL", issuer.WithClaim("aud", "https://other.example")),
	}
}

var _ = Describe("A subject", func() {
	// subjects makes forgeries of other values of sub.
	subjects := func(of func(linked string) []forgery) func(context.Context, *forge.Stack) []forgery {
		return func(_ context.Context, w *forge.Stack) []forgery { return of(w.Subject) }
	}
	refuse(
		rule{requirement: conformance.ExchangeSubOtherNamespace, text: "of another namespace is refused", forgeries: subjects(func(linked string) []forgery {
			_, name := namespaced(linked)
			return []forgery{but("the token's sub is of another namespace", issuer.WithClaim("sub", "system:serviceaccount:default:"+name))}
		})},
		rule{requirement: conformance.ExchangeSubOtherAccount, text: "of another account is refused", forgeries: subjects(func(linked string) []forgery {
			namespace, _ := namespaced(linked)
			return []forgery{but("the token's sub is another account of the namespace", issuer.WithClaim("sub", namespace+":default"))}
		})},
		rule{requirement: conformance.ExchangeSubPrefix, text: "that only begins like the linked one is refused", forgeries: subjects(func(linked string) []forgery {
			return []forgery{
				but("the token's sub is the beginning of the linked one", issuer.WithClaim("sub", linked[:len(linked)-1])),
				but("the token's sub begins with the linked one", issuer.WithClaim("sub", linked+"-2")),
			}
		})},
		rule{requirement: conformance.ExchangeSubSuffix, text: "that only ends like the linked one is refused", forgeries: subjects(func(linked string) []forgery {
			return []forgery{
				but("the token's sub is the end of the linked one", issuer.WithClaim("sub", linked[1:])),
				but("the token's sub ends with the linked one", issuer.WithClaim("sub", "other:"+linked)),
			}
		})},
		rule{requirement: conformance.ExchangeSubCase, text: "in other letter case is refused", forgeries: subjects(func(linked string) []forgery {
			namespace, name := namespaced(linked)
			return []forgery{
				but("the token's sub is in capitals", issuer.WithClaim("sub", strings.ToUpper(linked))),
				but("the name in the token's sub is in capitals", issuer.WithClaim("sub", namespace+":"+strings.ToUpper(name))),
			}
		})},
		rule{requirement: conformance.ExchangeSubMissing, text: "must be there", forgeries: subjects(func(string) []forgery {
			return []forgery{
				but("the token's sub is empty", issuer.WithClaim("sub", "")),
				but("the token has no sub", issuer.WithoutClaim("sub")),
			}
		})},
	)

	It("with an asterisk stands for itself alone", check.Decides(conformance.ExchangeSubWildcardNoMatch), limit(), func(ctx SpecContext) {
		namespace, name := namespaced(forge.World(ctx).Subject)
		own := forge.Own(ctx, forge.Options{Subject: namespace + "-*:" + name})
		exchanging.Twin(ctx, own.Form(own.Token()))
		for _, sub := range []string{namespace + "-:" + name, namespace + "-x:" + name} {
			exchanging.Refused(ctx, own.Form(own.Token(issuer.WithClaim("sub", sub))), "the token's sub is what the linked one's asterisk would stand for: "+sub)
		}
	})
})

// namespaced takes a subject apart: system:serviceaccount:NAMESPACE, and the name.
func namespaced(subject string) (namespace, name string) {
	last := strings.LastIndex(subject, ":")
	return subject[:last], subject[last+1:]
}
