package federation

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A federation", func() {
	propagation := run.Current().Config.Timeouts.Propagation.D()

	// Serial: what a page shows while others make and delete federations is nowhere
	// defined.
	It("is in a list of pages exactly once", Serial, check.Decides(conformance.FederationListPaging), limit(), listPaging)
	It("is changed once under one Idempotency-Key", check.Decides(conformance.FederationIdempotencyKey), limit(), idempotencyKey)
	It("is changed by operations that say what they do", check.Decides(conformance.FederationOperationMetadata), limit(), operationMetadata)
	It("is open to who has a role on it", check.Decides(conformance.FederationAccessBindings),
		forge.Limit(propagation, propagation, propagation), accessBindings)
})

func listPaging(ctx SpecContext) {
	var made []*oidc.Federation
	for range 3 {
		made = append(made, given(ctx, nil))
	}
	for _, size := range []int64{1, 2, 1000} {
		run.Step(fmt.Sprintf("listing in pages of %d", size))
		count, pages := map[string]int{}, 0
		all, err := cloud.All(func(token string) ([]*oidc.Federation, string, error) {
			pages++
			r, err := run.Current().Cloud.Federations().List(ctx, &oidc.ListFederationsRequest{FolderId: run.Current().Config.FolderID, PageSize: size, PageToken: token})
			Expect(len(r.GetFederations())).To(BeNumerically("<=", size), "federations on page %d of %d each", pages, size)
			return r.GetFederations(), r.GetNextPageToken(), err
		})
		check.NoError(calling.Judged(err), fmt.Sprintf("listing in pages of %d", size))
		for _, f := range all {
			count[f.GetId()]++
		}
		for id, times := range count {
			Expect(times).To(Equal(1), "how often federation %s is in pages of %d", id, size)
		}
		Expect(without(made, all)).To(BeEmpty(), "federations that no page of %d shows", size)
	}
}

// idempotencyKey repeats a creation, where a second one would meet a name that is
// taken, and an update.
func idempotencyKey(ctx SpecContext) {
	r := run.Current()
	keyed := cloud.WithIdempotencyKey(ctx, cloud.NewIdempotencyKey())
	req := request(nil)
	run.Step("making a federation twice under one key")
	_, first, err := r.Fixtures().CreateFederation(keyed, req)
	check.Prerequisite(err, "making a federation for the check")
	second, err := r.Cloud.Federations().Create(keyed, req)
	check.NoError(calling.Judged(err), "repeating the creation under its Idempotency-Key")
	Expect(second.GetId()).To(Equal(first.GetId()), "the operation of the repeated creation")

	run.Step("updating a federation twice under one key")
	id := cloud.ResourceID(first, "federation_id")
	keyed = cloud.WithIdempotencyKey(ctx, cloud.NewIdempotencyKey())
	change := func(ctx context.Context, description string) *operation.Operation {
		return update(ctx, &oidc.UpdateFederationRequest{FederationId: id, Description: description}, "description")
	}
	once := change(keyed, "first")
	other := change(ctx, "second")
	again := change(keyed, "first")
	Expect(again.GetId()).To(Equal(once.GetId()), "the operation of the repeated update")
	Expect(other.GetId()).NotTo(Equal(once.GetId()), "the twin, an update under another key, has an operation of its own")
	Expect(get(ctx, id).GetDescription()).To(Equal("second"), "the description after the first update was repeated")
}

// operationMetadata holds operations against what the option
// yandex.cloud.api.operation of each method declares.
func operationMetadata(ctx SpecContext) {
	r := run.Current()
	run.Step("making a federation")
	_, created, err := r.Fixtures().CreateFederation(ctx, request(nil))
	check.Prerequisite(err, "making a federation for the check")
	id := cloud.ResourceID(created, "federation_id")
	declares(ctx, "the creation", created, &oidc.CreateFederationMetadata{FederationId: id}, &oidc.Federation{Id: id})

	updated := update(ctx, &oidc.UpdateFederationRequest{FederationId: id, Description: "updated"}, "description")
	declares(ctx, "the update", updated, &oidc.UpdateFederationMetadata{FederationId: id}, &oidc.Federation{Id: id})

	run.Step("deleting the federation")
	deleted, err := r.Cloud.Federations().Delete(ctx, &oidc.DeleteFederationRequest{FederationId: id})
	check.NoError(calling.Judged(err), "deleting the federation")
	declares(ctx, "the deletion", deleted, &oidc.DeleteFederationMetadata{FederationId: id}, &emptypb.Empty{})
}

// declares demands that an operation, once it is done, has the metadata and the
// response.
func declares(ctx context.Context, what string, op *operation.Operation, metadata, response proto.Message) {
	GinkgoHelper()
	r := run.Current()
	check.NoError(calling.Judged(r.Cloud.Wait(ctx, methodUpdate, op, nil, nil)), "waiting for "+what)
	done, err := r.Cloud.Operations().Get(ctx, &operation.GetOperationRequest{OperationId: op.GetId()})
	check.NoError(calling.Judged(err), "reading the operation of "+what)
	Expect(done.GetDone()).To(BeTrue(), "the operation of %s is done", what)
	for _, part := range []struct {
		name string
		got  interface{ UnmarshalNew() (proto.Message, error) }
		want proto.Message
	}{
		{"metadata", done.GetMetadata(), metadata},
		{"response", done.GetResponse(), response},
	} {
		got, err := part.got.UnmarshalNew()
		if err != nil {
			Fail(fmt.Sprintf("the %s of the operation of %s is missing or of no known type; want a %s", part.name, what, proto.MessageName(part.want)))
		}
		if got := identity(got); !proto.Equal(got, part.want) {
			Fail(fmt.Sprintf("the %s of the operation of %s is a %s {%v}; want a %s {%v}", part.name, what, proto.MessageName(got), got, proto.MessageName(part.want), part.want))
		}
	}
}

// identity is which federation a message is, and every other message itself: how a
// federation is shown is for other checks.
func identity(m proto.Message) proto.Message {
	if f, ok := m.(*oidc.Federation); ok {
		return &oidc.Federation{Id: f.GetId()}
	}
	return m
}

// accessBindings gives an account a role on one federation, which lets it see that
// one.
func accessBindings(ctx SpecContext) {
	const role = "iam.workloadIdentityFederations.viewer"
	r := run.Current()
	account, made := calling.Shared(ctx), given(ctx, nil)
	api := account.API(ctx)
	on := provision.On{Kind: provision.OnFederation, ID: made.GetId()}
	look := func(ctx context.Context) error {
		_, err := api.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: made.GetId()})
		return err
	}
	calling.Refuse(func() error { return look(ctx) }, "the account has no role on the federation", codes.PermissionDenied)
	calling.Grant(ctx, account, role, on)
	Expect(bound(ctx, made)).To(ContainElement(role+" "+account.ID), "the federation's bindings after the role was granted")
	r.Settle(ctx, calling.RoleGranted, func(ctx context.Context) error { return calling.Judged(look(ctx)) })
	calling.Revoke(ctx, account, role, on)
	Expect(bound(ctx, made)).NotTo(ContainElement(role+" "+account.ID), "the federation's bindings after the role was revoked")
	r.Settle(ctx, calling.RoleRevoked, func(ctx context.Context) error { return calling.Refusal(look(ctx), codes.PermissionDenied) })
}

// bound are the roles on a federation, each with the account that has it.
func bound(ctx context.Context, f *oidc.Federation) []string {
	GinkgoHelper()
	all, err := cloud.All(func(token string) ([]*access.AccessBinding, string, error) {
		r, err := run.Current().Cloud.Federations().ListAccessBindings(ctx, &access.ListAccessBindingsRequest{ResourceId: f.GetId(), PageToken: token})
		return r.GetAccessBindings(), r.GetNextPageToken(), err
	})
	check.NoError(calling.Judged(err), "listing the federation's bindings")
	var out []string
	for _, b := range all {
		out = append(out, b.GetRoleId()+" "+b.GetSubject().GetId())
	}
	return out
}
