package kernel

import (
	"context"
	"maps"
	"slices"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// parameters of an access policy.
type parameters map[string]string

// PolicyAPI answers the methods with which access policies are bound to clouds and
// folders (access.proto). What is bound to a cloud acts in its folders.
type PolicyAPI struct {
	K    *Kernel
	Kind string
	// Prefix of the ids of its operations.
	Prefix string
}

// Rules of the methods. Which role binds a policy is not documented where we
// looked; here it is the one that assigns roles.
func (a PolicyAPI) Rules(permissions string, into map[string]Rule) map[string]Rule {
	into["ListAccessPolicyBindings"] = Needs(permissions+".get", a.Kind, "resource_id")
	into["BindAccessPolicy"] = Needs(permissions+".updateAccessBindings", a.Kind, "resource_id")
	into["UnbindAccessPolicy"] = Needs(permissions+".updateAccessBindings", a.Kind, "resource_id")
	return into
}

func (a PolicyAPI) ref(id string) state.Ref { return state.Ref{Type: a.Kind, ID: id} }

// ListAccessPolicyBindings shows what is bound to the resource itself.
func (a PolicyAPI) ListAccessPolicyBindings(_ context.Context, req *accesspb.ListAccessPolicyBindingsRequest) (*accesspb.ListAccessPolicyBindingsResponse, error) {
	bound, _ := a.K.policies.Get(policiesOf(a.ref(req.ResourceId)))
	page, next, err := Page(slices.Sorted(maps.Keys(bound)), req, func(id string) string { return id })
	resp := &accesspb.ListAccessPolicyBindingsResponse{NextPageToken: next}
	for _, id := range page {
		resp.AccessPolicyBindings = append(resp.AccessPolicyBindings, &accesspb.AccessPolicyBinding{AccessPolicyTemplateId: id, Parameters: bound[id]})
	}
	return resp, err
}

// BindAccessPolicy binds a policy, or replaces its parameters.
func (a PolicyAPI) BindAccessPolicy(ctx context.Context, req *accesspb.BindAccessPolicyRequest) (*operation.Operation, error) {
	binding := req.AccessPolicyBinding
	a.change(req.ResourceId, func(bound map[string]parameters) { bound[binding.AccessPolicyTemplateId] = binding.Parameters })
	return a.begin(ctx, req.ResourceId, "Bind access policy",
		&accesspb.BindAccessPolicyMetadata{ResourceId: req.ResourceId, AccessPolicyBinding: binding}, &accesspb.BindAccessPolicyResponse{})
}

// UnbindAccessPolicy takes a policy away; one that is not bound is no error.
func (a PolicyAPI) UnbindAccessPolicy(ctx context.Context, req *accesspb.UnbindAccessPolicyRequest) (*operation.Operation, error) {
	a.change(req.ResourceId, func(bound map[string]parameters) { delete(bound, req.AccessPolicyTemplateId) })
	return a.begin(ctx, req.ResourceId, "Unbind access policy",
		&accesspb.UnbindAccessPolicyMetadata{ResourceId: req.ResourceId, AccessPolicyTemplateId: req.AccessPolicyTemplateId}, &accesspb.UnbindAccessPolicyResponse{})
}

func (a PolicyAPI) change(id string, do func(bound map[string]parameters)) {
	_ = a.K.policies.Change(policiesOf(a.ref(id)), func(old map[string]parameters) (map[string]parameters, error) {
		bound := map[string]parameters{}
		maps.Copy(bound, old)
		do(bound)
		return bound, nil
	})
}

func (a PolicyAPI) begin(ctx context.Context, id, what string, meta, resp proto.Message) (*operation.Operation, error) {
	return a.K.Begin(ctx, Op{Description: what, Prefix: a.Prefix, Metadata: meta, On: a.ref(id),
		Work: func(context.Context) (proto.Message, error) { return resp, nil }})
}

// CheckPolicies refuses what one of the access policies forbids that are bound to
// what a resource lies in. How the real cloud words it is a guess.
func (k *Kernel) CheckPolicies(on state.Ref, forbidding ...string) error {
	for _, ref := range k.Decider.Chain(on) {
		bound, _ := k.policies.Get(policiesOf(ref))
		for _, id := range forbidding {
			if _, ok := bound[id]; ok {
				return k.Guess("api/access-policy", id)
			}
		}
	}
	return nil
}

// policiesOf is the key of a resource's policies.
func policiesOf(ref state.Ref) string { return ref.Type + "/" + ref.ID }
