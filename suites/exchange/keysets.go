package exchange

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/webhost"
)

// huge is more than the key set of any issuer has, in bytes.
const huge = 8 << 20

// Each federation's key set cannot be had at first; then the same URL serves it,
// and the same token passes: that is the twin.
var _ = Describe("An exchange needs the federation's key set, which", func() {
	It("is not there", check.Decides(conformance.ExchangeJWKS404), keySetLimit(), func(ctx SpecContext) {
		stored(ctx, "the key set is not there (404)", nil, "")
	})
	It("is a web page", check.Decides(conformance.ExchangeJWKSHTML), keySetLimit(), func(ctx SpecContext) {
		stored(ctx, "the key set is a web page", []byte("<!doctype html><title>Sign in</title><p>Sign in to go on."), "text/html; charset=utf-8")
	})
	It("has no end", check.Decides(conformance.ExchangeJWKSHuge), keySetLimit(), hugeKeySet)
	It("has a key of another type under the kid", check.Decides(conformance.ExchangeJWKSWrongKeyType), keySetLimit(), wrongKeyType)
	It("comes with an error of its server", check.Decides(conformance.ExchangeJWKS500), keySetLimit(), func(ctx SpecContext) {
		served(ctx, "the key set's server answers 500", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"keys":[]}`, http.StatusInternalServerError)
		}))
	})
	It("does not come", check.Decides(conformance.ExchangeJWKSTimeout), keySetLimit(), func(ctx SpecContext) {
		served(ctx, "the key set's server does not answer", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done() // until the cloud gives up
		}))
	})
	It("comes from a server that nobody vouches for", check.Decides(conformance.ExchangeJWKSSelfSignedTLS), keySetLimit(), selfSigned)
	It("is at another URL that its own redirects to", check.Decides(conformance.ExchangeJWKSRedirect), keySetLimit(), redirected)
	It("need not be fetched for every unknown kid", check.Decides(conformance.ExchangeJWKSFlood), keySetLimit(), flood)
})

func keySetLimit() NodeTimeout {
	t := run.Current().Config.Timeouts
	return forge.Limit(t.Exchange.D(), t.Exchange.D(), t.Propagation.D(), t.Propagation.D(), t.Propagation.D())
}

// withoutKeys demands that the token is not let in, and that it is once repair has
// put the key set where it belongs.
func withoutKeys(ctx context.Context, s *forge.Stack, changed string, repair func() error) {
	GinkgoHelper()
	form := s.Form(s.Token())
	exchanging.Refused(ctx, form, changed)
	run.Step("the twin: the same URL serves the key set")
	check.Prerequisite(repair(), "putting the key set where it belongs")
	check.Prerequisite(exchanging.Settled(ctx, "a key set is there", form), "the twin, for which the same URL serves the key set")
}

// stored has the key set in object storage; content nil is none.
func stored(ctx context.Context, changed string, content []byte, contentType string) {
	GinkgoHelper()
	host := forge.SharedHost(ctx)
	path := "spoilt/" + rand.Text() + ".json"
	address, err := host.Publish(ctx, path, issuer.JWKS(host.Issuer.Keys()...))
	check.Prerequisite(err, "publishing a key set")
	if content == nil {
		err = host.Unpublish(ctx, path)
	} else {
		_, err = host.PublishAs(ctx, path, contentType, content)
	}
	check.Prerequisite(err, "spoiling the key set")
	withoutKeys(ctx, forge.KeyedAt(ctx, address), changed, func() error {
		_, err := host.Publish(ctx, path, issuer.JWKS(host.Issuer.Keys()...))
		return err
	})
}

// hugeKeySet has the right key after more than anybody should read.
func hugeKeySet(ctx SpecContext) {
	set := issuer.JWKS(forge.SharedHost(ctx).Issuer.Keys()...)
	filler := append([]byte(`{"filler":"`), bytes.Repeat([]byte("x"), huge)...)
	stored(ctx, "the key set has 8 MiB", append(append(filler, `",`...), set[1:]...), "application/jwk-set+json")
}

// wrongKeyType has an EC key and an RSA key under kids of their own; the token is
// signed with the RSA key, and names the one or the other.
func wrongKeyType(ctx SpecContext) {
	host := forge.SharedHost(ctx)
	signs, other := host.Issuer.Key(issuer.RSA), host.Issuer.Key(issuer.EC)
	address, err := host.Publish(ctx, "types/"+signs.ID()+".json", issuer.JWKS(signs, other))
	check.Prerequisite(err, "publishing a key set")
	s := forge.Own(ctx, forge.Options{JWKSURL: address, Unready: true})
	form := s.Form(s.Token(issuer.SignedBy(signs)))
	check.Prerequisite(exchanging.Settled(ctx, "a link is made", form), "waiting for the first exchange")
	exchanging.Twin(ctx, form)
	exchanging.Refused(ctx, s.Form(s.Token(issuer.SignedBy(signs), issuer.WithHeader("kid", other.ID()))), "the kid names an EC key, and the token is signed with RSA")
}

// start starts a web server for one check.
func start(ctx context.Context) *webhost.Server {
	GinkgoHelper()
	server, err := webhost.Start(ctx, run.Current().Config.WebHost)
	check.Prerequisite(err, "starting a web server")
	DeferCleanup(func() { _ = server.Close() }) // nobody else uses it
	return server
}

// keys serves the shared issuer's key set.
func keys(ctx context.Context) http.Handler {
	GinkgoHelper()
	set := issuer.JWKS(forge.SharedHost(ctx).Issuer.Keys()...)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(set) // the cloud has hung up: it will say so
	})
}

// served has the key set on a server of the run.
func served(ctx context.Context, changed string, spoilt http.Handler) {
	GinkgoHelper()
	server := start(ctx)
	server.Answer(spoilt)
	withoutKeys(ctx, forge.KeyedAt(ctx, server.URL+"/jwks.json"), changed, func() error {
		server.Answer(keys(ctx))
		return nil
	})
}

func selfSigned(ctx SpecContext) {
	server := start(ctx)
	server.Answer(keys(ctx))
	check.Prerequisite(server.Estrange(true), "making a certificate that nobody vouches for")
	withoutKeys(ctx, forge.KeyedAt(ctx, server.URL+"/jwks.json"), "the key set's server has a certificate that nobody vouches for", func() error { return server.Estrange(false) })
}

func redirected(ctx SpecContext) {
	server := start(ctx)
	mux := http.NewServeMux()
	mux.Handle("/jwks.json", http.RedirectHandler(server.URL+"/moved.json", http.StatusFound))
	mux.Handle("/moved.json", keys(ctx))
	server.Answer(mux)
	s := forge.KeyedAt(ctx, server.URL+"/jwks.json")
	_, err := exchanging.Do(ctx, s.Form(s.Token()))
	check.ObserveAnswer(err, "exchanging while the key set's URL redirects to it")
}

// manyKids is how many tokens with unknown kids are sent, and mostFetches what
// their issuer may have to bear of it.
const (
	manyKids    = 100
	mostFetches = manyKids / 5
)

func flood(ctx SpecContext) {
	server := start(ctx)
	server.Answer(keys(ctx))
	s := forge.KeyedAt(ctx, server.URL+"/jwks.json")
	exchanging.Twin(ctx, s.Form(s.Token()))
	before := server.Asked()
	for n := range manyKids {
		response, err := exchanging.Do(ctx, s.Form(s.Token(issuer.OfUnknownKey(fmt.Sprintf("unknown-%d", n)))))
		exchanging.MustRefuse(response, err, "the token's kid is in no key set")
	}
	Expect(server.Asked()-before).To(BeNumerically("<=", mostFetches), "%d tokens with unknown kids made the cloud fetch the key set that often", manyKids)
	exchanging.Twin(ctx, s.Form(s.Token()))
}
