package lifecycle

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

// story is the cluster that goes through all of it.
type story struct {
	subject
	// former is a token from before anything was enabled.
	former exchange.Token
}

func (s *story) begin(ctx SpecContext) {
	s.make(ctx, "life", provision.ClusterSpec{Plain: true, Nodes: true})
	granted, err := s.account.Request(ctx, cluster.TokenSpec{})
	check.Prerequisite(err, "asking for a token before workload identity federation is enabled")
	s.former = granted.Token
}

func (s *story) enable(ctx SpecContext) {
	if s.look(ctx).GetWorkloadIdentityFederation().GetEnabled() {
		check.Prerequisite(errors.New("it reports it as enabled from the start"), "making a cluster without workload identity federation")
	}
	wlif := s.federate(ctx, true).GetWorkloadIdentityFederation()
	Expect(wlif.GetEnabled()).To(BeTrue(), "the cluster does not report workload identity federation as enabled")
	for name, address := range map[string]string{"issuer": wlif.GetIssuer(), "JWKS URL": wlif.GetJwksUri()} {
		parsed, err := url.Parse(address)
		Expect(err).NotTo(HaveOccurred(), "the cluster's %s is no URL", name)
		Expect(parsed.Scheme).To(Equal("https"), "the cluster's %s %q is not https", name, address)
	}
	run.Step("new tokens have the issuer " + wlif.GetIssuer())
	s.awaitIssuer(ctx)
	link := signing.Unready(ctx, run.Current().Fixtures(), s.account, s.trust())
	exchanging.Settles(ctx, "a link is made", link.Form(s.account.Token(ctx)))
}

// trust is a federation as the tutorial makes it for the cluster.
func (s *subject) trust() provision.FederationSpec {
	of := s.account.Of
	return provision.FederationSpec{Issuer: of.Issuer, JWKSURL: of.JWKSURL, Audiences: []string{of.Issuer}}
}

// oldIssuerTokens lets the audience be no reason for a refusal: a pod of the tutorial
// would have had to name the new issuer before there was one.
func (s *story) oldIssuerTokens(ctx SpecContext) {
	s.enabled(ctx)
	claims, err := exchange.ReadClaims(s.former)
	check.Prerequisite(err, "reading the token from before")
	if claims.Issuer == s.account.Of.Issuer {
		check.Prerequisite(errors.New("it has the new issuer"), "making a token of the old issuer")
	}
	fixtures := run.Current().Fixtures()
	for name, issuer := range map[string]string{"through the new issuer's federation": s.account.Of.Issuer, "through a federation of the old issuer": claims.Issuer} {
		spec := s.trust()
		spec.Issuer, spec.Audiences = issuer, slices.Concat(claims.Audience, []string{s.account.Of.Issuer})
		link := signing.Unready(ctx, fixtures, s.account, spec)
		if issuer == s.account.Of.Issuer {
			exchanging.Settles(ctx, "a link is made", link.Form(s.account.Token(ctx)))
		}
		observe(ctx, name, link.Form(s.former))
	}
}

// observe notes how a request for an exchange is answered, under a name.
func observe(ctx context.Context, name string, form url.Values) {
	GinkgoHelper()
	run.Step("exchanging " + name)
	_, err := exchanging.Do(ctx, form)
	var refused *exchange.Refusal
	switch {
	case err == nil:
		check.Observe(name, check.OutcomeAccepted)
	case errors.As(err, &refused):
		check.Observe(name, check.OutcomeRefused+" with "+strconv.Itoa(refused.Status)+" "+refused.Code)
	default:
		check.NoError(err, "exchanging "+name)
	}
}

func (s *story) nodeGroupFlag(ctx SpecContext) {
	if id := run.Current().Target.Cluster.NodeGroupID; id != "" {
		run.Step("the run's own node group was made with it")
		Expect(flag(ctx, id)).To(BeTrue(), "the node group %s does not report that it was made with workload identity federation", id)
	}
	s.enabled(ctx)
	id := s.account.Of.NodeGroupID
	Expect(flag(ctx, id)).To(BeFalse(), "the node group %s reports workload identity federation, and was made without", id)
	for _, on := range []bool{true, false} {
		does(ctx, "setting workload identity federation of node group "+id+" to "+strconv.FormatBool(on), methodGroup, func(ctx context.Context) (*operation.Operation, error) {
			return run.Current().Cloud.NodeGroups().Update(ctx, &k8s.UpdateNodeGroupRequest{NodeGroupId: id,
				WorkloadIdentityFederation: &k8s.NodeGroupWorkloadIdentityFederation{Enabled: on},
				UpdateMask:                 &fieldmaskpb.FieldMask{Paths: []string{federationEnabled}}})
		})
		Expect(flag(ctx, id)).To(Equal(on), "the node group %s does not report what it was set to", id)
	}
}

func flag(ctx context.Context, group string) bool {
	GinkgoHelper()
	found, err := run.Current().Cloud.NodeGroups().Get(ctx, &k8s.GetNodeGroupRequest{NodeGroupId: group})
	check.NoError(err, "reading the node group "+group)
	return found.GetWorkloadIdentityFederation().GetEnabled()
}

// disable looks at what a check before it asked for, if one did: on the real cloud each
// change of a cluster takes minutes.
func (s *story) disable(ctx SpecContext) {
	if !s.askedOff {
		s.enabled(ctx)
		s.federate(ctx, false)
	}
	Expect(s.look(ctx).GetWorkloadIdentityFederation().GetEnabled()).To(BeFalse(), "the cluster still reports workload identity federation as enabled")
}

func (s *story) disabledTokens(ctx SpecContext) {
	s.enabled(ctx)
	link := signing.To(ctx, run.Current().Fixtures(), s.account)
	before, spec := s.account.Token(ctx), cluster.TokenSpec{Audiences: link.Federation.GetAudiences()}
	s.federate(ctx, false)
	observe(ctx, "a token from before", link.Form(before))
	granted, err := s.account.Request(ctx, spec)
	check.NoError(err, "asking for a token after workload identity federation was disabled")
	claims, err := exchange.ReadClaims(granted.Token)
	check.NoError(err, "reading a token of the cluster")
	check.Observe("a token from after has the former issuer", strconv.FormatBool(claims.Issuer == link.Federation.GetIssuer()))
	observe(ctx, "a token from after", link.Form(granted.Token))
}

func (s *story) deleted(ctx SpecContext) {
	s.enabled(ctx)
	fixtures := run.Current().Fixtures()
	link := signing.To(ctx, fixtures, s.account)
	token := s.account.Token(ctx)
	run.Step("deleting the cluster")
	check.Prerequisite(fixtures.Delete(ctx, s.id()), "deleting the cluster")
	bounded, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Call.D())
	defer cancel()
	document, err := keyset.Fetch(bounded, s.account.Of.JWKSURL)
	check.NoError(err, "looking for the key set of the deleted cluster")
	check.Observe("the key set answers", strconv.Itoa(document.Status))
	observe(ctx, "a token of the deleted cluster", link.Form(token))
}
