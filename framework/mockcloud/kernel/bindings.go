package kernel

import (
	"context"
	"slices"
	"strings"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// AccessAPI answers the three access binding methods that resources of a kind
// have (access.proto). A server embeds it.
type AccessAPI struct {
	K    *Kernel
	Kind string
	// Prefix of the ids of its operations.
	Prefix string
	// EmptyResult: the operations respond Empty (Lockbox), not AccessBindingsOperationResult.
	EmptyResult bool
}

// Rules of the three methods, with permissions "<prefix>.listAccessBindings" and
// "<prefix>.updateAccessBindings".
func (a AccessAPI) Rules(permissions string, into map[string]Rule) map[string]Rule {
	into["ListAccessBindings"] = Needs(permissions+".listAccessBindings", a.Kind, "resource_id")
	into["SetAccessBindings"] = Needs(permissions+".updateAccessBindings", a.Kind, "resource_id")
	into["UpdateAccessBindings"] = Needs(permissions+".updateAccessBindings", a.Kind, "resource_id")
	return into
}

// listing is which bindings a list shows.
type listing struct {
	hides func(kind string, b access.Binding) bool
}

func strictListing() listing {
	return listing{hides: func(string, access.Binding) bool { return false }}
}

// listingBugs are the bugs that act there.
var listingBugs = map[string]func(*listing){
	"FolderBindingsNotListed": func(p *listing) {
		p.hides = func(kind string, b access.Binding) bool {
			return kind == kindFolder && b.Subject.Type == access.ServiceAccount
		}
	},
	"FederationBindingsNotListed": func(p *listing) {
		p.hides = func(kind string, _ access.Binding) bool { return strings.HasSuffix(kind, "Federation") }
	},
}

// ListAccessBindings shows the bindings in force.
func (a AccessAPI) ListAccessBindings(ctx context.Context, req *accesspb.ListAccessBindingsRequest) (*accesspb.ListAccessBindingsResponse, error) {
	have := a.K.Bindings.List(state.Ref{Type: a.Kind, ID: req.ResourceId})
	policy := PolicyOf(ctx, strictListing(), listingBugs)
	have = slices.DeleteFunc(have, func(b access.Binding) bool { return policy.hides(a.Kind, b) })
	page, next, err := Page(have, req, func(b access.Binding) string { return b.Role + "|" + b.Subject.Type + "|" + b.Subject.ID })
	if err != nil {
		return nil, err
	}
	resp := &accesspb.ListAccessBindingsResponse{NextPageToken: next}
	for _, b := range page {
		resp.AccessBindings = append(resp.AccessBindings, bindingMessage(b.Role, b.Subject))
	}
	return resp, nil
}

// SetAccessBindings replaces all bindings.
func (a AccessAPI) SetAccessBindings(ctx context.Context, req *accesspb.SetAccessBindingsRequest) (*operation.Operation, error) {
	var want []access.Delta
	for _, b := range req.AccessBindings {
		d, err := a.delta(b, false)
		if err != nil {
			return nil, err
		}
		want = append(want, d)
	}
	return a.apply(ctx, req.ResourceId, "Set access bindings", &accesspb.SetAccessBindingsMetadata{ResourceId: req.ResourceId},
		func(ref state.Ref) ([]access.Delta, error) {
			return a.K.Bindings.Set(ref, want, a.K.Clock.Now(), a.full(ref))
		})
}

// UpdateAccessBindings applies deltas.
func (a AccessAPI) UpdateAccessBindings(ctx context.Context, req *accesspb.UpdateAccessBindingsRequest) (*operation.Operation, error) {
	var deltas []access.Delta
	for _, x := range req.AccessBindingDeltas {
		d, err := a.delta(x.AccessBinding, x.Action == accesspb.AccessBindingAction_REMOVE)
		if err != nil {
			return nil, err
		}
		deltas = append(deltas, d)
	}
	return a.apply(ctx, req.ResourceId, "Update access bindings", &accesspb.UpdateAccessBindingsMetadata{ResourceId: req.ResourceId},
		func(ref state.Ref) ([]access.Delta, error) {
			return a.K.Bindings.Update(ref, deltas, a.K.Clock.Now(), a.full(ref))
		})
}

// full refuses more bindings than the quota of the cloud allows; less of what is
// over it may always remain.
func (a AccessAPI) full(ref state.Ref) func(have int) error {
	const metric = "iam.accessBindings.count"
	before, own := a.K.Bindings.Count(), len(a.K.Bindings.List(ref))
	limit, limited := a.K.Settings.Get().Quotas[metric]
	return func(have int) error {
		if limited && have > own && int64(before-own+have) > limit {
			return QuotaExceeded(metric, limit, before)
		}
		return nil
	}
}

func (a AccessAPI) delta(b *accesspb.AccessBinding, remove bool) (access.Delta, error) {
	subject := access.Subject{Type: b.Subject.Type, ID: b.Subject.Id}
	if !remove {
		if !access.Known(b.RoleId) {
			return access.Delta{}, a.K.NotFound("iam.role", b.RoleId)
		}
		if _, ok := a.K.Store.Find(state.Ref{Type: "iam.serviceAccount", ID: subject.ID}); subject.Type == access.ServiceAccount && !ok {
			return access.Delta{}, a.K.NotFound("iam.serviceAccount", subject.ID)
		}
		switch subject.Type {
		case access.ServiceAccount, access.UserAccount, "federatedUser", "system":
		default:
			return access.Delta{}, Errorf(codes.InvalidArgument, "Validation failed:\n  - access_binding.subject.type: Unknown type %q", subject.Type)
		}
	}
	return access.Delta{Remove: remove, Role: b.RoleId, Subject: subject}, nil
}

func (a AccessAPI) apply(ctx context.Context, id, what string, meta proto.Message, change func(state.Ref) ([]access.Delta, error)) (*operation.Operation, error) {
	ref := state.Ref{Type: a.Kind, ID: id}
	effective, err := change(ref)
	if err != nil {
		return nil, err
	}
	return a.K.Begin(ctx, Op{Description: what, Prefix: a.Prefix, Metadata: meta, On: ref, Work: func(context.Context) (proto.Message, error) {
		if a.EmptyResult {
			return &emptypb.Empty{}, nil
		}
		result := &accesspb.AccessBindingsOperationResult{}
		for _, d := range effective {
			action := accesspb.AccessBindingAction_ADD
			if d.Remove {
				action = accesspb.AccessBindingAction_REMOVE
			}
			result.EffectiveDeltas = append(result.EffectiveDeltas, &accesspb.AccessBindingDelta{Action: action, AccessBinding: bindingMessage(d.Role, d.Subject)})
		}
		return result, nil
	}})
}

func bindingMessage(role string, s access.Subject) *accesspb.AccessBinding {
	return &accesspb.AccessBinding{RoleId: role, Subject: &accesspb.Subject{Id: s.ID, Type: s.Type}}
}
