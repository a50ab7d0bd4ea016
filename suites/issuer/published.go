package issuer

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

// fetch gets what is published at an address, bounded by timeout.call.
func fetch(ctx context.Context, address string) (keyset.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Call.D())
	defer cancel()
	return keyset.Fetch(ctx, address)
}

// publishedKeys is the cluster's key set, without which most checks know nothing.
func publishedKeys(ctx context.Context) *keyset.Set {
	GinkgoHelper()
	document, err := fetch(ctx, run.Current().Target.Cluster.JWKSURL)
	check.Prerequisite(err, "reading the cluster's key set")
	keys, err := keyset.Parse(document.Body)
	check.Prerequisite(err, "reading the cluster's key set at "+document.URL+" (status "+strconv.Itoa(document.Status)+")")
	return keys
}

func keysForEverybody(ctx SpecContext) {
	address := run.Current().Target.Cluster.JWKSURL
	run.Step("GET " + address)
	document, err := fetch(ctx, address)
	check.NoError(err, "reading the cluster's key set")
	Expect(document.Status).To(Equal(http.StatusOK), "%s does not answer with the key set", address)
	_, err = keyset.Parse(document.Body)
	check.NoError(err, "reading what "+address+" answers")
}

func contentType(ctx SpecContext) {
	document, err := fetch(ctx, run.Current().Target.Cluster.JWKSURL)
	check.Prerequisite(err, "reading the cluster's key set")
	if document.Status != http.StatusOK {
		check.Prerequisite(&exchange.UnexpectedError{Status: document.Status, Reason: "a key set was expected"}, "reading "+document.URL)
	}
	Expect(document.MediaType).To(BeElementOf("application/json", "application/jwk-set+json"), "the content type of %s", document.URL)
}

func noPrivateMembers(ctx SpecContext) {
	Expect(publishedKeys(ctx).Secrets()).To(BeEmpty(), "the published key set gives private keys away")
}

func keysUsable(ctx SpecContext) {
	Expect(publishedKeys(ctx).Problems()).To(BeEmpty(), "a verifier cannot use the published key set")
}

// discoveryConsistent compares the two sides of the cluster: what the API server
// says to those who may ask it, and what everybody reads.
func discoveryConsistent(ctx SpecContext) {
	account := signing.World(ctx)
	published := publishedKeys(ctx)
	claims := read(account.Token(ctx))
	run.Step("reading the API server's discovery document")
	raw, err := account.Cluster.Discovery(ctx)
	check.NoError(err, "reading the API server's discovery document")
	configuration, err := keyset.ParseConfiguration(raw)
	check.NoError(err, "reading the API server's discovery document")
	Expect(configuration.Problems(account.Of.Issuer, claims.Algorithm)).To(BeEmpty(), "the API server's discovery document is not that of the cluster's issuer")
	run.Step("comparing the API server's key set with the published one")
	raw, err = account.Cluster.SigningKeys(ctx)
	check.NoError(err, "reading the API server's key set")
	own, err := keyset.Parse(raw)
	check.NoError(err, "reading the API server's key set")
	Expect(published.Lacks(own)).To(BeEmpty(), "%s lacks keys that the API server signs with", account.Of.JWKSURL)
}

func publishedDiscovery(ctx SpecContext) {
	c := run.Current().Target.Cluster
	document, err := fetch(ctx, c.Issuer+keyset.ConfigurationPath)
	if err != nil && c.ID == "" {
		// The issuer of one's own Kubernetes may well be a name that nobody else resolves.
		check.Observe(check.ObservedOutcome, "nobody answers below the issuer's URL")
		return
	}
	check.NoError(err, "looking for a discovery document")
	check.Observe(check.ObservedStatus, strconv.Itoa(document.Status))
	if document.Status != http.StatusOK {
		return
	}
	check.Observe("content type", document.MediaType)
	configuration, err := keyset.ParseConfiguration(document.Body)
	if err != nil {
		check.Observe("document", err.Error())
		return
	}
	check.Observe("issuer is the cluster's", strconv.FormatBool(configuration.Issuer == c.Issuer))
	check.Observe("jwks_uri is the cluster's", strconv.FormatBool(configuration.JWKSURL == c.JWKSURL))
}

// keyRotation uses an issuer of ours: a cluster's cannot be made to rotate its key.
func keyRotation(ctx SpecContext) {
	host := forge.SharedHost(ctx)
	listed, err := forge.Key(issuer.Listed)
	check.Prerequisite(err, "making a key")
	// Two key pairs, under kids that no other check knows.
	former, next := listed.Named(rand.Text()), host.Issuer.Key(issuer.RSA).Named(rand.Text())
	path := "rotation-" + strings.ToLower(rand.Text()[:8]) + "/jwks.json"
	url, err := host.Publish(ctx, path, issuer.JWKS(former))
	check.Prerequisite(err, "publishing the old key")
	stack := forge.Own(ctx, forge.Options{JWKSURL: url, Unready: true})
	old := stack.Form(stack.Token(issuer.SignedBy(former)))
	check.Prerequisite(exchanging.Settled(ctx, "a link is made", old), "waiting for the first exchange of a token of the old key")

	run.Step("publishing the new key beside the old")
	_, err = host.Publish(ctx, path, issuer.JWKS(former, next))
	check.Prerequisite(err, "publishing the new key beside the old")
	exchanging.Settles(ctx, "a new key of an issuer is known", stack.Form(stack.Token(issuer.SignedBy(next))))
	run.Step("a token of the old key is still exchanged")
	exchanging.Accepted(ctx, old)
}
