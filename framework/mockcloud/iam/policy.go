package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// policy is how federations, credentials and accounts are kept and shown.
type policy struct {
	// create has the last word on a federation that is made.
	create func(*oidc.Federation)
	// beside is why two federations may not be there at once; silent hides it: the
	// federation that is there is shown as the one that was made.
	beside func(have, want *oidc.Federation) error
	silent bool
	update func(*oidc.Federation, *oidc.UpdateFederationRequest) error
	// show has the last word on a federation that is read.
	show func(*oidc.Federation)
	page func([]*oidc.Federation, kernel.PageRequest) ([]*oidc.Federation, string, error)
	// buries: a deleted federation is disabled and no longer listed.
	buries bool

	// subject is what is kept of a credential's.
	subject func(string) string
	// linkable judges a credential, its account and its federation, either of which
	// is nil if it is not there.
	linkable func(*workload.FederatedCredential, *iam.ServiceAccount, *oidc.Federation) error
	// lists says whether a credential is in lists.
	lists func(*workload.FederatedCredential) bool

	showAccount func(*iam.ServiceAccount)
	// keeps: a deleted account stays.
	keeps bool
}

func strict() policy {
	return policy{
		create: func(*oidc.Federation) {},
		beside: sameName,
		update: updateFederation,
		show:   func(*oidc.Federation) {},
		page: func(rows []*oidc.Federation, req kernel.PageRequest) ([]*oidc.Federation, string, error) {
			return kernel.Page(rows, req, (*oidc.Federation).GetId)
		},
		subject:     func(s string) string { return s },
		linkable:    func(*workload.FederatedCredential, *iam.ServiceAccount, *oidc.Federation) error { return nil },
		lists:       func(*workload.FederatedCredential) bool { return true },
		showAccount: func(*iam.ServiceAccount) {},
	}
}

// deviations are the bugs that act here.
var deviations = map[string]func(*policy){
	"FederationCreatedDisabled": creating(func(f *oidc.Federation) { f.Enabled = false }),
	"FirstAudienceOnly":         creating(func(f *oidc.Federation) { f.Audiences = f.Audiences[:min(len(f.Audiences), 1)] }),
	"DescriptionLost":           creating(func(f *oidc.Federation) { f.Description = "" }),
	"LabelsLost":                creating(func(f *oidc.Federation) { f.Labels = nil }),

	"TakenNameIsSilent":      func(p *policy) { p.silent = true },
	"NameNotUnique":          func(p *policy) { p.beside = func(_, _ *oidc.Federation) error { return nil } },
	"OneFederationPerFolder": func(p *policy) { p.beside = onePerFolder },

	"MaskIgnored":      func(p *policy) { p.update = replaceAll },
	"IssuerMutable":    func(p *policy) { p.update = updateIssuer },
	"DisablingIgnored": updating(func(_, next *oidc.Federation, _ *oidc.UpdateFederationRequest) { next.Enabled = true }),
	"EnablingIgnored": updating(func(old, next *oidc.Federation, _ *oidc.UpdateFederationRequest) {
		next.Enabled = next.Enabled && old.Enabled
	}),

	"DisabledNotShown":       showing(func(f *oidc.Federation) { f.Enabled = true }),
	"JWKSURLNotShown":        showing(func(f *oidc.Federation) { f.JwksUrl = "" }),
	"DeletedFederationShown": func(p *policy) { p.buries = true },
	"PageDropsARow":          paging(0, 1),
	"PageRepeatsARow":        paging(1, 0),

	"SubjectTrimmed":           storing(strings.TrimSpace),
	"SubjectLowerCased":        storing(strings.ToLower),
	"SubjectCutAt255":          storing(func(s string) string { return string([]rune(s)[:min(len([]rune(s)), 255)]) }),
	"LongSubjectRefused":       linking(upTo255),
	"CrossFolderLinkRefused":   linking(sameFolder),
	"CredentialsNotListed":     func(p *policy) { p.lists = func(*workload.FederatedCredential) bool { return false } },
	"AccountFolderNotShown":    func(p *policy) { p.showAccount = func(a *iam.ServiceAccount) { a.FolderId = "" } },
	"AccountDeleteDoesNothing": func(p *policy) { p.keeps = true },
}

func policyOf(ctx context.Context) policy { return kernel.PolicyOf(ctx, strict(), deviations) }

func creating(change func(*oidc.Federation)) func(*policy) {
	return func(p *policy) { p.create = change }
}

func showing(change func(*oidc.Federation)) func(*policy) {
	return func(p *policy) { p.show = change }
}

func storing(change func(string) string) func(*policy) {
	return func(p *policy) { p.subject = change }
}

func linking(judge func(*workload.FederatedCredential, *iam.ServiceAccount, *oidc.Federation) error) func(*policy) {
	return func(p *policy) { p.linkable = judge }
}

// updating changes what the strict update has made of a federation.
func updating(change func(old, next *oidc.Federation, req *oidc.UpdateFederationRequest)) func(*policy) {
	return func(p *policy) {
		p.update = func(f *oidc.Federation, req *oidc.UpdateFederationRequest) error {
			old := proto.CloneOf(f)
			if err := updateFederation(f, req); err != nil {
				return err
			}
			change(old, f, req)
			return nil
		}
	}
}

// onePerFolder: a folder has one federation.
func onePerFolder(have, want *oidc.Federation) error {
	if have.Id != want.Id && have.FolderId == want.FolderId {
		return kernel.Errorf(codes.AlreadyExists, "Folder %s already has a federation", want.FolderId)
	}
	return nil
}

// replaceAll takes every field from the request, whatever its mask says. Without
// audiences there would be no federation.
func replaceAll(f *oidc.Federation, req *oidc.UpdateFederationRequest) error {
	f.Description, f.Labels, f.Enabled = req.Description, req.Labels, !req.Disabled
	if req.Name != "" {
		f.Name = req.Name
	}
	if len(req.Audiences) > 0 {
		f.Audiences = req.Audiences
	}
	if req.JwksUrl != "" {
		f.JwksUrl = req.JwksUrl
	}
	return nil
}

// updateIssuer takes the folder of the key set for the issuer, when the key set
// moves or the mask names the issuer.
func updateIssuer(f *oidc.Federation, req *oidc.UpdateFederationRequest) error {
	paths := req.UpdateMask.GetPaths()
	named := slices.Contains(paths, "issuer")
	rest := proto.CloneOf(req)
	if named {
		rest.UpdateMask = &fieldmaskpb.FieldMask{Paths: slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == "issuer" })}
	}
	before := f.JwksUrl
	if !named || len(rest.UpdateMask.Paths) > 0 {
		if err := updateFederation(f, rest); err != nil {
			return err
		}
	}
	if named || f.JwksUrl != before {
		f.Issuer = f.JwksUrl[:strings.LastIndexByte(f.JwksUrl, '/')]
	}
	return nil
}

// paging makes pages larger than was asked, and those that the next page's place
// is counted from.
func paging(rowsMore, placeMore int64) func(*policy) {
	return func(p *policy) {
		p.page = func(rows []*oidc.Federation, req kernel.PageRequest) ([]*oidc.Federation, string, error) {
			page, _, err := kernel.Page(rows, larger{req, rowsMore}, (*oidc.Federation).GetId)
			if err != nil {
				return nil, "", err
			}
			_, next, err := kernel.Page(rows, larger{req, placeMore}, (*oidc.Federation).GetId)
			return page, next, err
		}
	}
}

// larger asks for a larger page. Without a size the default is asked for.
type larger struct {
	kernel.PageRequest
	by int64
}

func (l larger) GetPageSize() int64 {
	if size := l.PageRequest.GetPageSize(); size > 0 {
		return size + l.by
	}
	return 0
}

func upTo255(c *workload.FederatedCredential, _ *iam.ServiceAccount, _ *oidc.Federation) error {
	if len(c.ExternalSubjectId) <= 255 {
		return nil
	}
	return kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - external_subject_id: Length must be in <=255")
}

func sameFolder(_ *workload.FederatedCredential, account *iam.ServiceAccount, f *oidc.Federation) error {
	if account == nil || f == nil || account.FolderId == f.FolderId {
		return nil
	}
	return kernel.Errorf(codes.FailedPrecondition, "Service account %s is not in folder %s", account.Id, f.FolderId)
}

// bury leaves a federation without its name, which is free again, disabled.
func (s *federationServer) bury(id string) {
	_, _, _ = s.federations.Modify(id, func(f *oidc.Federation) error { // it was there a moment ago
		f.Name, f.Enabled = "", false
		return nil
	})
}

func buried(f *oidc.Federation) bool { return f.Name == "" }
