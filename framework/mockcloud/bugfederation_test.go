package mockcloud

import (
	"fmt"
	"slices"
	"strings"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
)

var ofFederations = map[string]behaviour{
	"NameNotUnique":          {takenName, "AlreadyExists", "another"},
	"TakenNameIsSilent":      {takenName, "AlreadyExists", "the same"},
	"OneFederationPerFolder": {secondFederation, "OK", "AlreadyExists"},

	"NamePatternIgnored":       {creating(func(r *oidc.CreateFederationRequest) { r.Name = "No Name!" }), "InvalidArgument", "OK"},
	"DescriptionLengthIgnored": {creating(func(r *oidc.CreateFederationRequest) { r.Description = strings.Repeat("d", 257) }), "InvalidArgument", "OK"},
	"NoAudienceAccepted":       {creating(func(r *oidc.CreateFederationRequest) { r.Audiences = nil }), "InvalidArgument", "OK"},
	"TooManyAudiencesAccepted": {creating(func(r *oidc.CreateFederationRequest) { r.Audiences = audiences(101) }), "InvalidArgument", "OK"},
	"AudienceLengthIgnored":    {creating(func(r *oidc.CreateFederationRequest) { r.Audiences = []string{strings.Repeat("a", 256)} }), "InvalidArgument", "OK"},
	"RequiredFieldsIgnored":    {creating(func(r *oidc.CreateFederationRequest) { r.Issuer = "" }), "InvalidArgument", "OK"},

	"IssuerMutable":    {issuerAfterUpdate, "https://i.example.com InvalidArgument", "https://other.example.com OK"},
	"MaskIgnored":      {otherFieldsAfterUpdate, "d map[l:v]", " map[]"},
	"DisablingIgnored": {disabling, "true false true", "true true true"},
	"EnablingIgnored":  {disabling, "true false true", "true false false"},
	"DisabledNotShown": {disabledShown, "false", "true"},

	"FirstAudienceOnly":         {made(func(f *oidc.Federation) any { return f.Audiences }), "[a b]", "[a]"},
	"DescriptionLost":           {made(func(f *oidc.Federation) any { return f.Description }), "d", ""},
	"LabelsLost":                {made(func(f *oidc.Federation) any { return f.Labels }), "map[l:v]", "map[]"},
	"JWKSURLNotShown":           {made(func(f *oidc.Federation) any { return f.JwksUrl }), "https://k.example.com/jwks", ""},
	"FederationCreatedDisabled": {made(func(f *oidc.Federation) any { return f.Enabled }), "true", "false"},

	"DeletedFederationShown": {deletedFederation, "NotFound, 0 listed", "OK, 0 listed"},
	"PageDropsARow":          {pages, "1 1 1: all", "1 1: fewer"},
	"PageRepeatsARow":        {pages, "1 1 1: all", "2 2 1: all"},

	"FederationBindingsNotListed": {federationBindings, "1", "0"},
	"FederationBindingsHaveNoUse": {linking("iam.serviceAccounts.federatedCredentialEditor", "iam.workloadIdentityFederations.user"), "OK", "PermissionDenied"},
	"LinkNeedsNoRoleOnAccount":    {linking("", "iam.workloadIdentityFederations.user"), "PermissionDenied", "OK"},
	"LinkNeedsNoRoleOnFederation": {linking("iam.serviceAccounts.federatedCredentialEditor", ""), "PermissionDenied", "OK"},

	"SubjectTrimmed":      {func(p *place) string { return p.subjectOf(" s ") }, " s ", "s"},
	"SubjectLowerCased":   {func(p *place) string { return p.subjectOf("Sub") }, "Sub", "sub"},
	"SubjectCutAt255":     {subjectLength(1000), "1000", "255"},
	"LongSubjectRefused":  {subjectLength(1000), "1000", "InvalidArgument"},
	"LongSubjectAccepted": {subjectLength(1001), "InvalidArgument", "1001"},

	"UnknownFederationLinked": {func(p *place) string { return linkCode(p, p.account().ID, "ajethereisnosuchone0") }, "NotFound", "OK"},
	"UnknownAccountLinked":    {func(p *place) string { return linkCode(p, "ajethereisnosuchone0", p.federation().Id) }, "NotFound", "OK"},
	"CrossFolderLinkRefused":  {linkAcross, "OK", "FailedPrecondition"},
	"CredentialsNotListed":    {credentialList, "1", "0"},

	"AccountFolderNotShown":    {accountFolder, "its folder", "no folder"},
	"AccountDeleteDoesNothing": {deletedAccount, "NotFound", "OK"},
}

func audiences(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint("a", i))
	}
	return out
}

func creating(change func(*oidc.CreateFederationRequest)) func(*place) string {
	return func(p *place) string { return p.create(change) }
}

func takenName(p *place) string {
	first := p.federation()
	op, err := p.federations().Create(p.Context(), p.request(func(r *oidc.CreateFederationRequest) { r.Name = first.Name }))
	switch {
	case err != nil:
		return status.Code(err).String()
	case must[*oidc.Federation](p.T, op, err).Id == first.Id:
		return "the same"
	}
	return "another"
}

func secondFederation(p *place) string {
	p.federation()
	return p.create()
}

// change updates a federation and returns the code of the answer.
func (p *place) change(req *oidc.UpdateFederationRequest, paths ...string) string {
	req.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	_, err := p.federations().Update(p.Context(), req)
	return status.Code(err).String()
}

func issuerAfterUpdate(p *place) string {
	id := p.federation().Id
	p.change(&oidc.UpdateFederationRequest{FederationId: id, JwksUrl: "https://other.example.com/jwks"}, "jwks_url")
	code := p.change(&oidc.UpdateFederationRequest{FederationId: id}, "issuer")
	return p.get(id).Issuer + " " + code
}

func otherFieldsAfterUpdate(p *place) string {
	id, name := p.federation().Id, p.name()
	p.change(&oidc.UpdateFederationRequest{FederationId: id, Name: name}, "name")
	f := p.get(id)
	return fmt.Sprint(f.Description, " ", f.Labels)
}

func disabling(p *place) string {
	id := p.federation().Id
	out := []any{p.get(id).Enabled}
	for _, disabled := range []bool{true, false} {
		p.change(&oidc.UpdateFederationRequest{FederationId: id, Disabled: disabled}, "disabled")
		out = append(out, p.get(id).Enabled)
	}
	return strings.TrimSpace(fmt.Sprintln(out...))
}

func disabledShown(p *place) string {
	return fmt.Sprint(p.get(p.federation(func(r *oidc.CreateFederationRequest) { r.Disabled = true }).Id).Enabled)
}

func made(look func(*oidc.Federation) any) func(*place) string {
	return func(p *place) string {
		return fmt.Sprint(look(p.get(p.federation(func(r *oidc.CreateFederationRequest) { r.Audiences = []string{"a", "b"} }).Id)))
	}
}

func (p *place) list(size int64, token string) *oidc.ListFederationsResponse {
	p.Helper()
	got, err := p.federations().List(p.Context(), &oidc.ListFederationsRequest{FolderId: p.folder, PageSize: size, PageToken: token})
	if err != nil {
		p.Fatal(err)
	}
	return got
}

func deletedFederation(p *place) string {
	f := p.federation()
	op, err := p.federations().Delete(p.Context(), &oidc.DeleteFederationRequest{FederationId: f.Id})
	must[*emptypb.Empty](p.T, op, err)
	if got := p.create(func(r *oidc.CreateFederationRequest) { r.Name = f.Name }); got != "OK" {
		p.Errorf("its name is not free: %s", got)
	}
	_, err = p.federations().Get(p.Context(), &oidc.GetFederationRequest{FederationId: f.Id})
	listed := slices.ContainsFunc(p.list(0, "").Federations, func(have *oidc.Federation) bool { return have.Id == f.Id })
	return fmt.Sprintf("%s, %d listed", status.Code(err), map[bool]int{true: 1}[listed])
}

func pages(p *place) string {
	for range 3 {
		p.federation()
	}
	var sizes []string
	seen := map[string]bool{}
	for token := ""; ; {
		page := p.list(1, token)
		sizes = append(sizes, fmt.Sprint(len(page.Federations)))
		for _, f := range page.Federations {
			seen[f.Id] = true
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	return strings.Join(sizes, " ") + ": " + map[bool]string{true: "all", false: "fewer"}[len(seen) == 3]
}

// bindOn gives an account a role on a federation.
func (p *place) bindOn(federation string, s access.Subject, role string) {
	p.Helper()
	if _, err := p.federations().UpdateAccessBindings(p.Context(), update(federation, s, role, add)); err != nil {
		p.Fatal(err)
	}
}

func federationBindings(p *place) string {
	f := p.federation()
	p.bindOn(f.Id, p.account(), "iam.workloadIdentityFederations.user")
	got, err := p.federations().ListAccessBindings(p.Context(), &accesspb.ListAccessBindingsRequest{ResourceId: f.Id})
	if err != nil {
		p.Fatal(err)
	}
	return fmt.Sprint(len(got.AccessBindings))
}

// linking links as an account with a role on the folder and one on the federation.
func linking(onFolder, onFederation string) func(*place) string {
	return func(p *place) string {
		f, s := p.federation(), p.account()
		if onFolder != "" {
			p.bind(p.folder, s, onFolder, add)
		}
		if onFederation != "" {
			p.bindOn(f.Id, s, onFederation)
		}
		_, err := p.link(p.account().ID, f.Id, "subject", s)
		return status.Code(err).String()
	}
}

func subjectLength(n int) func(*place) string {
	return func(p *place) string {
		got := p.subjectOf(strings.Repeat("s", n))
		if strings.HasPrefix(got, "s") {
			return fmt.Sprint(len(got))
		}
		return got
	}
}

func linkCode(p *place, account, federation string) string {
	_, err := p.link(account, federation, "subject")
	return status.Code(err).String()
}

func linkAcross(p *place) string {
	there := p.cloud.place(p.T, "there")
	return linkCode(p, there.account().ID, p.federation().Id)
}

func credentialList(p *place) string {
	account := p.account().ID
	linkCode(p, account, p.federation().Id)
	got, err := workload.NewFederatedCredentialServiceClient(p.conn).List(p.Context(), &workload.ListFederatedCredentialsRequest{ServiceAccountId: account})
	if err != nil {
		p.Fatal(err)
	}
	return fmt.Sprint(len(got.FederatedCredentials))
}

func accountFolder(p *place) string {
	got, err := iam.NewServiceAccountServiceClient(p.conn).Get(p.Context(), &iam.GetServiceAccountRequest{ServiceAccountId: p.account().ID})
	if err != nil {
		p.Fatal(err)
	}
	return map[string]string{p.folder: "its folder", "": "no folder"}[got.FolderId]
}

func deletedAccount(p *place) string {
	accounts, id := iam.NewServiceAccountServiceClient(p.conn), p.account().ID
	op, err := accounts.Delete(p.Context(), &iam.DeleteServiceAccountRequest{ServiceAccountId: id})
	must[*emptypb.Empty](p.T, op, err)
	_, err = accounts.Get(p.Context(), &iam.GetServiceAccountRequest{ServiceAccountId: id})
	return status.Code(err).String()
}

var ofOperations = map[string]behaviour{
	"IdempotencyKeyIgnored":      {sameKey, "the same operation", "another operation"},
	"OperationMetadataMissing":   {updateOperation, "UpdateFederationMetadata Federation, DeleteFederationMetadata", "none Federation, none"},
	"OperationMetadataOfAnother": {updateOperation, "UpdateFederationMetadata Federation, DeleteFederationMetadata", "CreateFederationMetadata Federation, CreateFederationMetadata"},
	"OperationResponseMissing":   {updateOperation, "UpdateFederationMetadata Federation, DeleteFederationMetadata", "UpdateFederationMetadata Empty, DeleteFederationMetadata"},
}

func sameKey(p *place) string {
	ctx := metadata.AppendToOutgoingContext(p.Context(), "idempotency-key", p.name())
	id := p.federation().Id
	var ids []string
	for range 2 {
		op, err := p.federations().Update(ctx, &oidc.UpdateFederationRequest{FederationId: id, Name: p.name()})
		if err != nil {
			p.Fatal(err)
		}
		ids = append(ids, op.Id)
	}
	if ids[0] == ids[1] {
		return "the same operation"
	}
	return "another operation"
}

func updateOperation(p *place) string {
	f := p.federation()
	updated, err := p.federations().Update(p.Context(), &oidc.UpdateFederationRequest{FederationId: f.Id, Name: p.name()})
	if err != nil {
		p.Fatal(err)
	}
	deleted, err := p.federations().Delete(p.Context(), &oidc.DeleteFederationRequest{FederationId: f.Id})
	if err != nil {
		p.Fatal(err)
	}
	name := func(full any) string {
		if s := fmt.Sprint(full); s != "" {
			return s[strings.LastIndexByte(s, '.')+1:]
		}
		return "none"
	}
	return fmt.Sprintf("%s %s, %s", name(updated.Metadata.MessageName()), name(updated.GetResponse().MessageName()), name(deleted.Metadata.MessageName()))
}
