package exchange

import (
	"context"
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
)

var _ = Describe("A signature", func() {
	refuse(
		rule{requirement: conformance.ExchangeWrongKeySameKid, text: "of another key under a published kid is refused",
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("another key signed the token under a published kid", issuer.SignatureOf(unpublished()))}
			}},
		rule{requirement: conformance.ExchangeTamperedPayload, text: "of another payload is refused", forgeries: tampered},
		rule{requirement: conformance.ExchangeAlgNone, text: "that is not there is refused, although alg says so", forgeries: unsigned},
		rule{requirement: conformance.ExchangeHS256WithPublicKey, text: "that is an HMAC with a published key is refused", forgeries: symmetric},
		rule{requirement: conformance.ExchangeUnknownKid, text: "of a key that is not published is refused",
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("the token is of a key that is not in the key set", issuer.SignedBy(unpublished()))}
			}},
		rule{requirement: conformance.ExchangeEmbeddedJWK, text: "of a key that the token brings along is refused", forgeries: embedded},
		rule{requirement: conformance.ExchangeJKU, text: "of a key set that the token points to is refused", forgeries: pointedToKeySet},
		rule{requirement: conformance.ExchangeX5U, text: "of a certificate that the token points to is refused", forgeries: pointedToCertificate},
		rule{requirement: conformance.ExchangeCritHeader, text: "under a header with an unknown critical extension is refused",
			forgeries: func(context.Context, *forge.Stack) []forgery {
				return []forgery{but("the header declares critical what nobody knows", issuer.Critical("urn:wlif-conformance:unknown", true))}
			}},
		rule{requirement: conformance.ExchangeAlgMismatchWithKey, text: "by an algorithm that the key is not for is refused", forgeries: otherAlgorithms},
	)
})

// tampered changes a token that must be refused, and nothing else, into one that
// passes in all but its signature.
func tampered(_ context.Context, w *forge.Stack) []forgery {
	passes := time.Now().Add(time.Hour)
	return []forgery{
		but("the aud was changed to the federation's after signing", issuer.WithClaim("aud", "https://other.example"), issuer.Tampered("aud", []string{w.Audience})),
		but("the exp was put off after signing", issuer.WithClaim("exp", time.Now().Add(-time.Hour)), issuer.Tampered("exp", passes)),
		but("the sub was changed to the linked one after signing", issuer.WithClaim("sub", w.Subject+"-2"), issuer.Tampered("sub", w.Subject)),
	}
}

func unsigned(context.Context, *forge.Stack) []forgery {
	var out []forgery
	for _, spelling := range []string{"None", "NONE", "nOnE"} {
		out = append(out, but("the token has no signature and alg is "+spelling, issuer.Unsigned(), issuer.WithHeader("alg", spelling)))
	}
	return append(out,
		but("alg is none and the token has two parts", issuer.Unsigned(), rewritten(func(parts []string) []string { return parts[:2] })),
		but("alg is none beside a signature", issuer.WithHeader("alg", "none")),
		but("the token has no signature and alg is none", issuer.Unsigned()),
	)
}

func symmetric(context.Context, *forge.Stack) []forgery {
	var out []forgery
	for _, form := range issuer.PublicForms() {
		out = append(out, but("the signature is an HMAC whose secret is the published key as "+string(form), issuer.HMACWithPublicKey(form)))
	}
	return out
}

func embedded(context.Context, *forge.Stack) []forgery {
	key := unpublished()
	return []forgery{
		but("the header brings the certificate of the key that signed (x5c)", issuer.EmbeddedCertificate(key)),
		but("the header brings the key that signed (jwk), with a kid of its own", issuer.EmbeddedKey(key), issuer.WithHeader("kid", key.ID())),
		but("the header brings the key that signed (jwk)", issuer.EmbeddedKey(key)),
	}
}

// pointedToKeySet publishes the stranger's key, so that who follows the header's URL
// finds what verifies the token.
func pointedToKeySet(ctx context.Context, w *forge.Stack) []forgery {
	key := pointedTo()
	named := key.Named(w.Issuer.Key(issuer.RSA).ID())
	url, err := w.Publish(ctx, "strangers/"+key.ID()+".json", issuer.JWKS(named, key))
	check.Prerequisite(err, "publishing a stranger's key")
	return []forgery{
		but("the header points to a key set with the key that signed (jku), with a kid of its own", issuer.KeySetURL(url, key), issuer.WithHeader("kid", key.ID())),
		but("the header points to a key set with the key that signed (jku)", issuer.KeySetURL(url, key)),
	}
}

// pointedToCertificate does likewise with a certificate.
func pointedToCertificate(ctx context.Context, w *forge.Stack) []forgery {
	key := pointedTo()
	certificate, err := key.CertificatePEM()
	check.Prerequisite(err, "making a stranger's certificate")
	url, err := w.PublishAs(ctx, "strangers/"+key.ID()+".pem", "application/x-pem-file", certificate)
	check.Prerequisite(err, "publishing a stranger's certificate")
	return []forgery{but("the header points to a certificate of the key that signed (x5u)", issuer.CertificateURL(url, key))}
}

func otherAlgorithms(_ context.Context, w *forge.Stack) []forgery {
	rsa := w.Issuer.Key(issuer.RSA)
	pss, err := rsa.Using("PS256")
	check.Prerequisite(err, "using the RSA key for PS256")
	return []forgery{
		but("alg is RS256 and the signature PS256", issuer.SignatureOf(pss)),
		but("the token is signed with ES256 and its kid names an RSA key", issuer.SignedBy(w.Issuer.Key(issuer.EC)), issuer.WithHeader("kid", rsa.ID())),
		but("the token is signed with PS256 by a key for RS256", issuer.WithAlgorithm("PS256")),
		but("the token is signed with RS512 by a key for RS256", issuer.WithAlgorithm("RS512")),
	}
}

var _ = Describe("A token", func() {
	refuse(
		rule{requirement: conformance.ExchangeTruncated, text: "that was cut off is refused", forgeries: truncated},
		rule{requirement: conformance.ExchangeEmpty, text: "with an empty part is refused", forgeries: emptied},
		rule{requirement: conformance.ExchangeNotAJWT, text: "that is no JWT is refused", forgeries: noJWTs},
	)

	It("of a mebibyte is refused and does no harm", check.Decides(conformance.ExchangeOversized), limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token()))
		response, err := exchanging.Do(ctx, w.Form(w.Token(issuer.WithClaim("padding", strings.Repeat("x", mebibyte)))))
		exchanging.MustTurnAway(response, err, "the token has more than a mebibyte")
		exchanging.Accepted(ctx, w.Form(w.Token()))
	})

	It("without kid is accepted or not", check.Decides(conformance.ExchangeMissingKid), limit(), missingKid)
})

const mebibyte = 1 << 20

// rewritten changes the parts of a finished token.
func rewritten(change func(parts []string) []string) issuer.Mutation {
	return issuer.Rewritten(func(compact string) (string, error) {
		parts := strings.Split(compact, ".")
		if len(parts) != 3 {
			return "", errors.New("the token does not have three parts")
		}
		return strings.Join(change(parts), "."), nil
	})
}

func truncated(context.Context, *forge.Stack) []forgery {
	half := func(part int) issuer.Mutation {
		return rewritten(func(parts []string) []string {
			parts[part] = parts[part][:len(parts[part])/2]
			return parts[:part+1]
		})
	}
	return []forgery{
		but("one character is cut off", issuer.Truncated(1)),
		but("four characters are cut off", issuer.Truncated(4)),
		but("the token ends in the middle of its payload", half(1)),
		but("the token ends in the middle of its signature", half(2)),
	}
}

func emptied(context.Context, *forge.Stack) []forgery {
	without := func(part int) issuer.Mutation {
		return rewritten(func(parts []string) []string {
			parts[part] = ""
			return parts
		})
	}
	return []forgery{
		but("all three parts are empty", rewritten(func([]string) []string { return []string{"", "", ""} })),
		but("the header is empty", without(0)),
		but("the payload is empty", without(1)),
		but("the signature is empty", without(2)),
	}
}

func noJWTs(_ context.Context, w *forge.Stack) []forgery {
	instead := func(text string) issuer.Mutation {
		return issuer.Rewritten(func(string) (string, error) { return text, nil })
	}
	return []forgery{
		but("its payload is no JSON", issuer.WithPayload([]byte("sub="+w.Subject))),
		but("its payload is a text", issuer.WithPayload([]byte(`"`+w.Subject+`"`))),
		but("its payload is an array", issuer.WithPayload([]byte(`["`+w.Subject+`"]`))),
		but("its header is no JSON", rewritten(func(parts []string) []string { return []string{"bm90LWpzb24", parts[1], parts[2]} })),
		but("there are five parts", rewritten(func(parts []string) []string { return append(parts, "AA", "AA") })),
		but("the token is the linked subject", instead(w.Subject)),
		but("the token is an opaque text", instead("not-a-jwt")),
	}
}

// missingKid records what becomes of a kid that is left out, where it could tell
// keys apart and where it could not.
func missingKid(ctx SpecContext) {
	w := forge.World(ctx)
	one, err := w.Publish(ctx, "one-key/jwks.json", issuer.JWKS(w.Issuer.Key(issuer.RSA)))
	check.Prerequisite(err, "publishing a key set with one key")
	alone := forge.Own(ctx, forge.Options{JWKSURL: one})
	exchanging.Twin(ctx, alone.Form(alone.Token()))
	_, err = exchanging.Do(ctx, alone.Form(alone.Token(issuer.WithoutHeader("kid"))))
	check.ObserveOutcome("one key", err, "exchanging a token without kid where there is one key")
	exchanging.Twin(ctx, w.Form(w.Token()))
	_, err = exchanging.Do(ctx, w.Form(w.Token(issuer.WithoutHeader("kid"))))
	check.ObserveAnswer(err, "exchanging a token without kid where there are several keys")
}
