package federation

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// variant differs in one thing from a request that passes.
type variant struct {
	changed string
	change  func(*oidc.CreateFederationRequest)
}

// rule is a rule of the API's descriptors for a field: what it just accepts, which
// must be kept, and what it does not.
type rule struct {
	requirement, text, field string
	accepted, refused        []variant
}

var _ = Describe("A federation", func() {
	for _, r := range []rule{required, namePattern, descriptionLength, audiencesSize, audienceLength} {
		It(r.text, check.Decides(r.requirement), limit(), func(ctx SpecContext) { r.decide(ctx) })
	}
	It("has a name that no other of the folder has", check.Decides(conformance.FederationNameUnique), limit(), nameUnique)
})

func (r rule) decide(ctx context.Context) {
	GinkgoHelper()
	run.Step("the twin: the request without a change is accepted")
	_, err := create(ctx, request(nil))
	check.Prerequisite(err, "the twin, which differs from the check in the one changed thing alone")
	for _, v := range r.accepted {
		run.Step("accepted: " + v.changed)
		req := request(v.change)
		made, err := create(ctx, req)
		check.NoError(calling.Judged(err), "making a federation, where "+v.changed)
		as("the federation, where "+v.changed+",", get(ctx, made.GetId()), wanted(req), r.field)
	}
	for _, v := range r.refused {
		calling.Refuse(func() error {
			_, err := create(ctx, request(v.change))
			return err
		}, v.changed, codes.InvalidArgument)
	}
}

var required = rule{
	requirement: conformance.FederationRequiredFields, text: "has a folder, a name, an issuer and a JWKS URL",
	refused: []variant{
		{"there is no folder_id", func(r *oidc.CreateFederationRequest) { r.FolderId = "" }},
		{"there is no issuer", func(r *oidc.CreateFederationRequest) { r.Issuer = "" }},
		{"there is no jwks_url", func(r *oidc.CreateFederationRequest) { r.JwksUrl = "" }},
		{"there is no name", func(r *oidc.CreateFederationRequest) { r.Name = "" }},
	},
}

// nameLimit is the most characters that the pattern admits.
const nameLimit = 63

func renamed(change func(string) string) func(*oidc.CreateFederationRequest) {
	return func(r *oidc.CreateFederationRequest) { r.Name = change(r.GetName()) }
}

func upTo(length int) func(string) string {
	return func(name string) string { return name + strings.Repeat("x", length-len(name)) }
}

var namePattern = rule{
	requirement: conformance.FederationNamePattern, text: "has a name of the documented form", field: "name",
	accepted: []variant{{"the name has 63 characters", renamed(upTo(nameLimit))}},
	refused: []variant{
		{"the name has 64 characters", renamed(upTo(nameLimit + 1))},
		{"the name has a capital letter", renamed(func(name string) string { return name + "X" })},
		{"the name has an underscore", renamed(func(name string) string { return name + "_x" })},
		{"the name has a dot", renamed(func(name string) string { return name + ".x" })},
		{"the name has a space", renamed(func(name string) string { return name + " x" })},
		{"the name has a letter that is not Latin", renamed(func(name string) string { return name + "ж" })},
		{"the name ends with a hyphen", renamed(func(name string) string { return name + "-" })},
		{"the name ends with a line break", renamed(func(name string) string { return name + "\n" })},
		{"the name begins with a digit", renamed(func(name string) string { return "1" + name })},
	},
}

func described(length int) func(*oidc.CreateFederationRequest) {
	return func(r *oidc.CreateFederationRequest) { r.Description = strings.Repeat("d", length) }
}

var descriptionLength = rule{
	requirement: conformance.FederationDescriptionLength, text: "has a description of at most 256 characters", field: "description",
	accepted: []variant{{"the description has 256 characters", described(256)}},
	refused:  []variant{{"the description has 257 characters", described(257)}},
}

func audiences(count int) func(*oidc.CreateFederationRequest) {
	return func(r *oidc.CreateFederationRequest) {
		r.Audiences = nil
		for i := range count {
			r.Audiences = append(r.Audiences, fmt.Sprintf("%s/%d", example, i))
		}
	}
}

var audiencesSize = rule{
	requirement: conformance.FederationAudiencesSize, text: "has 1 to 100 audiences", field: "audiences",
	accepted: []variant{{"there is 1 audience", audiences(1)}, {"there are 100 audiences", audiences(100)}},
	refused:  []variant{{"there are 101 audiences", audiences(101)}, {"there is no audience", audiences(0)}},
}

func audienceOf(length int) func(*oidc.CreateFederationRequest) {
	return func(r *oidc.CreateFederationRequest) { r.Audiences = []string{example, strings.Repeat("a", length)} }
}

var audienceLength = rule{
	requirement: conformance.FederationAudienceLength, text: "has audiences of 1 to 255 characters", field: "audiences",
	accepted: []variant{{"an audience has 255 characters", audienceOf(255)}},
	refused:  []variant{{"an audience has 256 characters", audienceOf(256)}, {"an audience is empty", audienceOf(0)}},
}

func nameUnique(ctx SpecContext) {
	first := given(ctx, nil)
	taken := func(r *oidc.CreateFederationRequest) { r.Name = first.GetName() }
	calling.Refuse(func() error {
		_, err := create(ctx, request(taken))
		return err
	}, "the name is taken", codes.AlreadyExists)
	run.Step("the twin: another name is accepted")
	_, err := create(ctx, request(nil))
	check.Prerequisite(err, "the twin, which differs from the check in the name alone")
}
