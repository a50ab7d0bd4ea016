package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A federation", func() {
	It("is shown as it was made", check.Decides(conformance.FederationRoundTrip), limit(), roundTrip)
	It("keeps its issuer", check.Decides(conformance.FederationIssuerImmutable), limit(), issuerImmutable)
	It("is updated in what the mask names", check.Decides(conformance.FederationUpdateMask), limit(), updateMask)
	It("is disabled and enabled", check.Decides(conformance.FederationDisableEnable), limit(), disableEnable)
	It("keeps its audiences in any order", check.Decides(conformance.FederationAudienceOrder), limit(), audienceOrder)
	It("keeps its labels", check.Decides(conformance.FederationLabels), limit(), labels)
	It("stands beside others of its folder and issuer", check.Decides(conformance.FederationSeveralPerFolder), limit(), severalPerFolder)
	It("is not found once it is deleted", check.Decides(conformance.FederationDeletedNotFound), limit(), deletedNotFound)
})

func roundTrip(ctx SpecContext) {
	req := request(func(r *oidc.CreateFederationRequest) { r.Description = "Letters, цифры, 日本 and \"signs\"" })
	made, err := create(ctx, req)
	check.NoError(calling.Judged(err), "making a federation")
	as("the operation's response", made, wanted(req))
	as("what Get shows", get(ctx, made.GetId()), wanted(req))
	shown, ok := listed(ctx, made.GetId())
	Expect(ok).To(BeTrue(), "List does not show the federation")
	as("what List shows", shown, wanted(req))
	Expect(shown.GetCreatedAt().IsValid()).To(BeTrue(), "created_at is missing")
}

// issuerImmutable tries what could change it. Whether a mask that names a field
// which the request does not have is refused is not documented.
func issuerImmutable(ctx SpecContext) {
	made := given(ctx, nil)
	const elsewhere = "https://other.example/wlif"
	update(ctx, &oidc.UpdateFederationRequest{FederationId: made.GetId(), JwksUrl: elsewhere + "/jwks.json"}, "jwks_url")
	Expect(get(ctx, made.GetId()).GetIssuer()).To(Equal(example), "the issuer after an update of jwks_url")
	run.Step("updating with a mask that names the issuer")
	_, err := tryUpdate(ctx, &oidc.UpdateFederationRequest{FederationId: made.GetId(), JwksUrl: elsewhere + "/jwks.json"}, "issuer")
	check.ObserveAnswer(err, "updating with a mask that names the issuer")
	Expect(get(ctx, made.GetId()).GetIssuer()).To(Equal(example), "the issuer after an update whose mask names it")
}

// updateMask sends every field, and names one.
func updateMask(ctx SpecContext) {
	made := given(ctx, nil)
	want := get(ctx, made.GetId())
	for _, tc := range []struct {
		path  string
		apply func(req *oidc.UpdateFederationRequest)
	}{
		{"description", func(req *oidc.UpdateFederationRequest) { want.Description = req.GetDescription() }},
		{"name", func(req *oidc.UpdateFederationRequest) { want.Name = req.GetName() }},
		{"audiences", func(req *oidc.UpdateFederationRequest) { want.Audiences = req.GetAudiences() }},
		{"jwks_url", func(req *oidc.UpdateFederationRequest) { want.JwksUrl = req.GetJwksUrl() }},
		{"labels", func(req *oidc.UpdateFederationRequest) { want.Labels = req.GetLabels() }},
	} {
		// All are other than before, so that one that changes though it is not named shows.
		fresh := request(nil)
		fresh.Labels["check"] = tc.path
		req := &oidc.UpdateFederationRequest{
			FederationId: made.GetId(), Name: fresh.GetName(), Description: "for " + tc.path, Disabled: true,
			Audiences: []string{example + "/" + tc.path}, JwksUrl: example + "/" + tc.path + ".json", Labels: fresh.GetLabels(),
		}
		update(ctx, req, tc.path)
		tc.apply(req)
		as("the federation after an update of "+tc.path+" alone", get(ctx, made.GetId()), want)
	}
}

func disableEnable(ctx SpecContext) {
	made := given(ctx, nil)
	for _, disabled := range []bool{true, false} {
		update(ctx, &oidc.UpdateFederationRequest{FederationId: made.GetId(), Disabled: disabled}, "disabled")
		Expect(get(ctx, made.GetId()).GetEnabled()).To(Equal(!disabled), "enabled, as Get shows it after an update to disabled: %t", disabled)
	}
	req := request(func(r *oidc.CreateFederationRequest) { r.Disabled = true })
	made, err := create(ctx, req)
	check.NoError(calling.Judged(err), "making a disabled federation")
	as("a federation that was made disabled", get(ctx, made.GetId()), wanted(req), "enabled")
}

func audienceOrder(ctx SpecContext) {
	order := []string{example + "/b", example + "/a", "a plain word", example + "/c"}
	made := given(ctx, func(r *oidc.CreateFederationRequest) { r.Audiences = order })
	Expect(get(ctx, made.GetId()).GetAudiences()).To(ConsistOf(order), "the audiences after the creation")
	reversed := slices.Clone(order)
	slices.Reverse(reversed)
	update(ctx, &oidc.UpdateFederationRequest{FederationId: made.GetId(), Audiences: reversed}, "audiences")
	Expect(get(ctx, made.GetId()).GetAudiences()).To(ConsistOf(order), "the audiences after an update that gives them in reverse")
}

func labels(ctx SpecContext) {
	req := request(func(r *oidc.CreateFederationRequest) { r.Labels["kept"], r.Labels["dropped"] = "yes", "no" })
	made, err := create(ctx, req)
	check.NoError(calling.Judged(err), "making a federation with labels")
	Expect(get(ctx, made.GetId()).GetLabels()).To(Equal(req.GetLabels()), "the labels after the creation")
	next := request(func(r *oidc.CreateFederationRequest) { r.Labels["kept"], r.Labels["added"] = "still", "new" }).GetLabels()
	update(ctx, &oidc.UpdateFederationRequest{FederationId: made.GetId(), Labels: next}, "labels")
	Expect(get(ctx, made.GetId()).GetLabels()).To(Equal(next), "the labels after an update")
}

func severalPerFolder(ctx SpecContext) {
	var made []*oidc.Federation
	for i := range 3 {
		req := request(func(r *oidc.CreateFederationRequest) { r.Audiences = []string{fmt.Sprintf("%s/%d", example, i)} })
		one, err := create(ctx, req)
		check.NoError(calling.Judged(err), fmt.Sprintf("making federation %d of one issuer in one folder", i+1))
		made = append(made, one)
	}
	missing := without(made, list(ctx))
	Expect(missing).To(BeEmpty(), "federations that List does not show")
}

// without are the ids of those that a list lacks.
func without(made, all []*oidc.Federation) []string {
	var out []string
	for _, m := range made {
		if !slices.ContainsFunc(all, func(f *oidc.Federation) bool { return f.GetId() == m.GetId() }) {
			out = append(out, m.GetId())
		}
	}
	return out
}

func deletedNotFound(ctx SpecContext) {
	made := given(ctx, nil)
	run.Step("the twin: the federation is found before the deletion")
	_, err := find(ctx, made)
	check.Prerequisite(err, "the twin, which differs from the check in the deletion alone")
	run.Step("deleting the federation")
	check.NoError(calling.Judged(run.Current().Fixtures().Delete(ctx, made.GetId())), "deleting the federation")
	calling.Refuse(func() error {
		_, err = find(ctx, made)
		return err
	}, "the federation is deleted", codes.NotFound)
	calling.Observed(err)
	if _, ok := listed(ctx, made.GetId()); ok {
		Fail("List shows the federation " + made.GetId() + " after its deletion")
	}
	again := request(func(r *oidc.CreateFederationRequest) { r.Name = made.GetName() })
	_, err = create(ctx, again)
	check.NoError(calling.Judged(err), "making a federation of the deleted one's name "+strings.TrimSpace(made.GetName()))
}

func find(ctx context.Context, f *oidc.Federation) (*oidc.Federation, error) {
	return run.Current().Cloud.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: f.GetId()})
}
