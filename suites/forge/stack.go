package forge

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Options of a stack; the zero value is a stack as the documentation has it.
type Options struct {
	// Issuer is the federation's and the tokens'; empty is the host's URL.
	Issuer string
	// JWKSURL is the federation's; empty is the host's.
	JWKSURL string
	// Audiences are the federation's; none is one that no other stack has. Tokens are
	// for the first.
	Audiences []string
	// Subject is linked, and the tokens'; empty is one that no other stack has.
	Subject string
	// Folder is the federation's, AccountFolder the service account's; empty is the
	// run's.
	Folder, AccountFolder string
	// Unready leaves out the wait for the first exchange: the check decides it.
	Unready bool
}

// Stack is a federation that trusts an issuer of ours, and a service account that
// one subject of it may act as.
type Stack struct {
	*Host
	Fixtures     *provision.Fixtures
	Federation   *oidc.Federation
	AccountID    string
	CredentialID string
	// Issuer, Audience and Subject are those of a token that passes.
	IssuerURL, Audience, Subject string
}

// Limit bounds a node that makes a stack, or is the first to ask for the shared
// one, and then waits with the named timeouts.
func Limit(waits ...time.Duration) ginkgo.NodeTimeout {
	t := run.Current().Config.Timeouts
	making := []time.Duration{t.Operation.D(), t.Operation.D(), t.Operation.D(), t.Operation.D(), t.Propagation.D()}
	return run.Limit(append(making, waits...)...)
}

// build makes a stack and waits until it works.
func build(ctx context.Context, f *provision.Fixtures, h *Host, o Options) *Stack {
	ginkgo.GinkgoHelper()
	unique := fresh()
	s := &Stack{Host: h, Fixtures: f, IssuerURL: cmp.Or(o.Issuer, h.Issuer.URL), Subject: cmp.Or(o.Subject, subject(unique))}
	if len(o.Audiences) == 0 {
		o.Audiences = []string{h.Issuer.URL + "/" + unique}
	}
	s.Audience = o.Audiences[0]
	run.Step("making a federation that trusts it")
	var err error
	s.Federation, err = f.Federation(ctx, "check", provision.FederationSpec{Issuer: s.IssuerURL, JWKSURL: cmp.Or(o.JWKSURL, h.JWKSURL), Audiences: o.Audiences, Folder: o.Folder})
	check.Prerequisite(err, "making a federation for the check")
	s.link(ctx, o.AccountFolder)
	if !o.Unready {
		check.Prerequisite(s.ready(ctx), "waiting for the first exchange")
	}
	return s
}

// link makes the stack's service account and links it.
func (s *Stack) link(ctx context.Context, folder string) {
	ginkgo.GinkgoHelper()
	var err error
	s.AccountID, err = s.Fixtures.ServiceAccount(ctx, "check", folder)
	check.Prerequisite(err, "making a service account for the check")
	s.CredentialID, err = s.Fixtures.Link(ctx, s.AccountID, s.Federation.GetId(), s.Subject)
	check.Prerequisite(err, "linking the service account")
}

func fresh() string { return strings.ToLower(rand.Text()[:8]) }

func subject(unique string) string { return "system:serviceaccount:check-" + unique + ":wlif" }

// Settles demands that a token that should pass does, within timeout.propagation.
func (s *Stack) Settles(ctx context.Context) {
	ginkgo.GinkgoHelper()
	exchanging.Settles(ctx, "a link is made", s.Form(s.Token()))
}

// ready waits until a token that should pass does.
func (s *Stack) ready(ctx context.Context) error {
	return exchanging.Settled(ctx, "a link is made", s.Form(s.Token()))
}

// Token forges a token. Without mutations it passes.
func (s *Stack) Token(mutations ...issuer.Mutation) exchange.Token {
	ginkgo.GinkgoHelper()
	claims := s.Host.Issuer.Claims(s.Subject, s.Audience)
	claims["iss"] = s.IssuerURL
	token, err := s.Host.Issuer.Forge(claims, mutations...)
	check.Prerequisite(err, "forging a token")
	return token
}

// Form is the request that exchanges a token for an IAM token of the stack's
// service account.
func (s *Stack) Form(token exchange.Token) url.Values { return exchange.Form(token, s.AccountID) }
