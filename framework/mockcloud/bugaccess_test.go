package mockcloud

import (
	"fmt"
	"net/http"
	"strings"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
)

const (
	add    = accesspb.AccessBindingAction_ADD
	remove = accesspb.AccessBindingAction_REMOVE
	viewer = "lockbox.payloadViewer"
)

var ofAccess = map[string]behaviour{
	"PayloadNeedsNoRole":        {noRole, "PermissionDenied", "read value"},
	"AnyRoleSuffices":           {viewerWrites, "PermissionDenied", "OK"},
	"ViewerMayWrite":            {viewerWrites, "PermissionDenied", "OK"},
	"RoleOnOtherFolderCounts":   {roleElsewhere, "PermissionDenied", "read value"},
	"RevokedRoleCounts":         {roleTaken, "PermissionDenied", "read value"},
	"RoleOnSecretIgnored":       {roleOnSecret, "read value", "PermissionDenied"},
	"RoleOnFolderNotInherited":  {roleOnFolder, "read value", "PermissionDenied"},
	"GrantNeverPropagates":      {roleOnFolder, "read value", "PermissionDenied"},
	"RolesOfOtherAccountsCount": {roleOfOther, "PermissionDenied", "read value"},

	"MissingTokenIsOwner":    {withToken(func(*place, string) string { return "" }), "Unauthenticated", "read value"},
	"UnreadableTokenIsOwner": {withToken(func(*place, string) string { return "Bearer null" }), "Unauthenticated", "read value"},
	"TokenSignatureIgnored": {withToken(func(_ *place, token string) string {
		return "Bearer " + token[:strings.LastIndexByte(token, '.')+1] + strings.Repeat("A", 86)
	}), "Unauthenticated", "read value"},
	"ExpiredTokenAccepted": {expiredToken, "Unauthenticated", "read value"},
	"RevokedTokenAccepted": {withToken(func(p *place, token string) string {
		if _, err := iam.NewIamTokenServiceClient(p.conn).Revoke(p.Context(), &iam.RevokeIamTokenRequest{IamToken: token}); err != nil {
			p.Fatal(err)
		}
		return "Bearer " + token
	}), "Unauthenticated", "read value"},
	"UnauthenticatedIs403": {withToken(func(*place, string) string { return "" }), "Unauthenticated", "PermissionDenied"},

	"DeniedIsNotFound":          {noRole, "PermissionDenied", "NotFound"},
	"DeniedIsEmpty":             {noRole, "PermissionDenied", "read "},
	"RefusalWithoutRequest":     {requestID, "header true, body true", "header false, body false"},
	"RefusalShowsPayload":       {refusalText, "no payload", "the payload"},
	"FolderBindingsNotListed":   {folderBindings, "1", "0"},
	"AllowedIsAuditedAsRefused": {audited, "allowed", "refused"},
}

func noRole(p *place) string { return p.read(p.account(), p.secret().Id, "") }

func viewerWrites(p *place) string {
	secret, s := p.secret(), p.reader()
	_, err := lockbox.NewSecretServiceClient(p.cloud.as(p.T, s)).AddVersion(p.Context(), &lockbox.AddVersionRequest{SecretId: secret.Id, PayloadEntries: []*lockbox.PayloadEntryChange{text("key", "other")}})
	return status.Code(err).String()
}

func roleElsewhere(p *place) string {
	s, secret := p.account(), p.secret()
	p.bind(p.cloud.World().OtherFolderID, s, viewer, add)
	return p.read(s, secret.Id, "")
}

func roleTaken(p *place) string {
	s, secret := p.reader(), p.secret()
	p.bind(p.folder, s, viewer, remove)
	return p.read(s, secret.Id, "")
}

func roleOnSecret(p *place) string {
	s, secret := p.account(), p.secret()
	if _, err := p.secrets().UpdateAccessBindings(p.Context(), update(secret.Id, s, viewer, add)); err != nil {
		p.Fatal(err)
	}
	return p.read(s, secret.Id, "")
}

func roleOnFolder(p *place) string { return p.read(p.reader(), p.secret().Id, "") }

func roleOfOther(p *place) string {
	p.reader()
	return noRole(p)
}

// withToken reads a secret with what becomes of a good token.
func withToken(change func(p *place, token string) string) func(*place) string {
	return func(p *place) string {
		secret := p.secret()
		return p.with(change(p, p.token(p.reader())), secret.Id)
	}
}

func expiredToken(p *place) string {
	s, secret := p.reader(), p.secret()
	return p.with("Bearer "+p.cloud.kernel.Tokens.Mint(s, p.cloud.clock.Now()), secret.Id)
}

func requestID(p *place) string {
	_, body, header := p.rest(p.account(), p.secret().Id)
	return fmt.Sprintf("header %v, body %v", header.Get("X-Request-Id") != "", strings.Contains(body, "requestId"))
}

func refusalText(p *place) string {
	code, body, _ := p.rest(p.account(), p.secret(text("key", "a-secret-value")).Id)
	switch {
	case code != http.StatusForbidden:
		return body
	case strings.Contains(body, "a-secret-value"):
		return "the payload"
	}
	return "no payload"
}

func folderBindings(p *place) string {
	s := p.reader()
	got, err := resourcemanager.NewFolderServiceClient(p.conn).ListAccessBindings(p.Context(), &accesspb.ListAccessBindingsRequest{ResourceId: p.folder})
	if err != nil {
		p.Fatal(err)
	}
	n := 0
	for _, b := range got.AccessBindings {
		if b.Subject.Id == s.ID {
			n++
		}
	}
	return fmt.Sprint(n)
}

func audited(p *place) string {
	s := p.reader()
	p.read(s, p.secret().Id, "")
	verdict := ""
	for _, e := range p.cloud.Audit().Entries(nil) {
		if e.Caller == access.ServiceAccount+":"+s.ID {
			verdict = e.Verdict
		}
	}
	return verdict
}
