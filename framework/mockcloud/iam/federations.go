package iam

import (
	"context"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// unimplementedFederation lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedFederation struct {
	oidc.UnimplementedFederationServiceServer
}

type federationServer struct {
	unimplementedFederation
	*IAM
	kernel.AccessAPI
}

func (s *IAM) federationService() kernel.Service {
	api := kernel.AccessAPI{K: s.k, Kind: KindFederation, Prefix: kernel.PrefixIAM}
	const permissions = "iam.workloadIdentityFederations"
	one := func(verb string) kernel.Rule {
		return kernel.Needs(permissions+"."+verb, KindFederation, "federation_id")
	}
	rules := api.Rules(permissions, map[string]kernel.Rule{
		"Get":    one("get"),
		"List":   kernel.Needs(permissions+".list", kindFolder, "folder_id"),
		"Create": kernel.Needs(permissions+".create", kindFolder, "folder_id"),
		"Update": one("update"),
		"Delete": one("delete"),
	})
	return kernel.Service{Desc: &oidc.FederationService_ServiceDesc, Impl: &federationServer{IAM: s, AccessAPI: api}, Rules: rules}
}

func (s *federationServer) Get(ctx context.Context, req *oidc.GetFederationRequest) (*oidc.Federation, error) {
	f, ok := s.federations.Get(req.FederationId)
	if !ok {
		return nil, s.k.NotFound(KindFederation, req.FederationId)
	}
	policyOf(ctx).show(f)
	return f, nil
}

func (s *federationServer) List(ctx context.Context, req *oidc.ListFederationsRequest) (*oidc.ListFederationsResponse, error) {
	rows := s.federations.List(func(f *oidc.Federation) bool { return f.FolderId == req.FolderId && !buried(f) })
	page, next, err := policyOf(ctx).page(rows, req)
	return &oidc.ListFederationsResponse{Federations: page, NextPageToken: next}, err
}

// Create does not look at the issuer or fetch the JWKS: the Terraform provider's
// acceptance tests create federations for hosts that do not exist.
func (s *federationServer) Create(ctx context.Context, req *oidc.CreateFederationRequest) (*operation.Operation, error) {
	f := &oidc.Federation{
		Id: kernel.NewID(kernel.PrefixIAM), Name: req.Name, FolderId: req.FolderId, Description: req.Description, Enabled: !req.Disabled,
		Audiences: req.Audiences, Issuer: req.Issuer, JwksUrl: req.JwksUrl, Labels: req.Labels, CreatedAt: s.now(),
	}
	if err := s.k.CheckQuota("iam.oidcWLIFederations.count", len(s.federations.List(func(f *oidc.Federation) bool { return !buried(f) }))); err != nil {
		return nil, err
	}
	p := policyOf(ctx)
	p.create(f)
	var taken *oidc.Federation
	if err := s.federations.Insert(f, func(have *oidc.Federation) error {
		taken = have
		return p.beside(have, f)
	}); err != nil {
		if !p.silent {
			return nil, err
		}
		f = taken
	}
	return s.begin(ctx, KindFederation, f.Id, "Create federation", &oidc.CreateFederationMetadata{FederationId: f.Id}, f)
}

// sameName: "The name must be unique within the folder" (federation.proto).
func sameName(have, want *oidc.Federation) error {
	if have.Id != want.Id && have.FolderId == want.FolderId && have.Name == want.Name {
		return kernel.Errorf(codes.AlreadyExists, "Federation '%s' already exists", want.Name)
	}
	return nil
}

func (s *federationServer) Update(ctx context.Context, req *oidc.UpdateFederationRequest) (*operation.Operation, error) {
	others, p := s.federations.List(nil), policyOf(ctx)
	f, ok, err := s.federations.Modify(req.FederationId, func(f *oidc.Federation) error {
		if err := p.update(f, req); err != nil {
			return err
		}
		for _, have := range others {
			if err := p.beside(have, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !ok {
		return nil, s.orNotFound(err, KindFederation, req.FederationId)
	}
	return s.begin(ctx, KindFederation, f.Id, "Update federation", &oidc.UpdateFederationMetadata{FederationId: f.Id}, f)
}

// updateFederation changes what the mask names.
func updateFederation(f *oidc.Federation, req *oidc.UpdateFederationRequest) error {
	// The request says disabled where the resource says enabled.
	if err := kernel.ApplyMask(f, req, req.UpdateMask, map[string]string{"disabled": ""}); err != nil {
		return err
	}
	if paths := req.UpdateMask.GetPaths(); slices.Contains(paths, "disabled") || len(paths) == 0 && req.Disabled {
		f.Enabled = !req.Disabled
	}
	if len(f.Audiences) == 0 {
		return kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - audiences: Number of elements must be in 1-100")
	}
	return nil
}

// Delete of a federation that still has credentials: what happens is not
// documented, so the table of guesses decides whether it is refused.
func (s *federationServer) Delete(ctx context.Context, req *oidc.DeleteFederationRequest) (*operation.Operation, error) {
	id := req.FederationId
	inUse := s.credentials.List(func(c *workload.FederatedCredential) bool { return c.FederationId == id })
	if len(inUse) > 0 {
		if err := s.k.Guess("api/federation-in-use", id); err != nil {
			return nil, err
		}
		for _, c := range inUse {
			s.credentials.Delete(c.Id)
		}
	}
	if policyOf(ctx).buries {
		s.bury(id)
	} else if !s.federations.Delete(id) {
		return nil, s.k.NotFound(KindFederation, id)
	}
	s.k.Bindings.Drop(state.Ref{Type: KindFederation, ID: id})
	return s.begin(ctx, KindFederation, id, "Delete federation", &oidc.DeleteFederationMetadata{FederationId: id}, nil)
}

type credentialServer struct {
	workload.UnimplementedFederatedCredentialServiceServer
	*IAM
}

// credentialService: creating needs a role on the account and one on the
// federation's folder (docs: "Federated credentials", and the concepts page).
func (s *IAM) credentialService() kernel.Service {
	one := func(verb string) kernel.Rule {
		return kernel.Needs("iam.federatedCredentials."+verb, KindCredential, "federated_credential_id")
	}
	return kernel.Service{Desc: &workload.FederatedCredentialService_ServiceDesc, Impl: &credentialServer{IAM: s}, Rules: map[string]kernel.Rule{
		"Get":  one("get"),
		"List": kernel.Needs("iam.federatedCredentials.list", KindServiceAccount, "service_account_id"),
		"Create": kernel.Needs("iam.federatedCredentials.create", KindServiceAccount, "service_account_id").
			And("iam.workloadIdentityFederations.use", KindFederation, "federation_id"),
		"Delete": one("delete"),
	}}
}

func (s *credentialServer) Get(_ context.Context, req *workload.GetFederatedCredentialRequest) (*workload.FederatedCredential, error) {
	c, ok := s.credentials.Get(req.FederatedCredentialId)
	if !ok {
		return nil, s.k.NotFound(KindCredential, req.FederatedCredentialId)
	}
	return c, nil
}

func (s *credentialServer) List(ctx context.Context, req *workload.ListFederatedCredentialsRequest) (*workload.ListFederatedCredentialsResponse, error) {
	p := policyOf(ctx)
	rows := s.credentials.List(func(c *workload.FederatedCredential) bool {
		return c.ServiceAccountId == req.ServiceAccountId && p.lists(c)
	})
	page, next, err := kernel.Page(rows, req, (*workload.FederatedCredential).GetId)
	return &workload.ListFederatedCredentialsResponse{FederatedCredentials: page, NextPageToken: next}, err
}

// policiesAgainstLinks are the access policies that forbid federated credentials
// (docs: "Workload identity federations").
var policiesAgainstLinks = []string{"iam.denyServiceAccountFederatedCredentialsCreation", "iam.denyServiceAccountCredentialsCreation"}

func (s *credentialServer) Create(ctx context.Context, req *workload.CreateFederatedCredentialRequest) (*operation.Operation, error) {
	p := policyOf(ctx)
	c := &workload.FederatedCredential{
		Id: kernel.NewID(kernel.PrefixIAM), ServiceAccountId: req.ServiceAccountId, FederationId: req.FederationId,
		ExternalSubjectId: p.subject(req.ExternalSubjectId), CreatedAt: s.now(),
	}
	account, known := s.accounts.Get(req.ServiceAccountId)
	federation, _ := s.federations.Get(req.FederationId)
	if err := p.linkable(c, account, federation); err != nil {
		return nil, err
	}
	if err := s.k.CheckPolicies(state.Ref{Type: KindServiceAccount, ID: c.ServiceAccountId}, policiesAgainstLinks...); err != nil {
		return nil, err
	}
	if c.ExternalSubjectId == "" {
		if err := s.k.Guess("api/subject-empty"); err != nil {
			return nil, err
		}
	}
	if err := s.k.CheckQuota("iam.saFederatedCredentials.count", len(s.credentials.List(nil))); err != nil {
		return nil, err
	}
	begin := func() (*operation.Operation, error) {
		return s.begin(ctx, KindCredential, c.Id, "Create federated credential", &workload.CreateFederatedCredentialMetadata{FederatedCredentialId: c.Id}, c)
	}
	if !known {
		return begin() // nobody could list or delete it
	}
	exists := s.k.Guess("api/credential-exists")
	err := s.credentials.Insert(c, func(have *workload.FederatedCredential) error {
		if have.ServiceAccountId == c.ServiceAccountId && have.FederationId == c.FederationId && have.ExternalSubjectId == c.ExternalSubjectId {
			return exists
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return begin()
}

func (s *credentialServer) Delete(ctx context.Context, req *workload.DeleteFederatedCredentialRequest) (*operation.Operation, error) {
	if !s.credentials.Delete(req.FederatedCredentialId) {
		return nil, s.k.NotFound(KindCredential, req.FederatedCredentialId)
	}
	return s.begin(ctx, KindCredential, req.FederatedCredentialId, "Delete federated credential",
		&workload.DeleteFederatedCredentialMetadata{FederatedCredentialId: req.FederatedCredentialId}, nil)
}
