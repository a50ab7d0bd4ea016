package mockcloud

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// What the trials do to the cloud.

func (w *exchangeWorld) done(op *operation.Operation, err error) {
	w.Helper()
	if err != nil || op.GetError() != nil {
		w.Fatal(err, op.GetError())
	}
}

func (w *exchangeWorld) update(req *oidc.UpdateFederationRequest, mask string) {
	w.Helper()
	req.FederationId, req.UpdateMask = w.federation.Id, &fieldmaskpb.FieldMask{Paths: []string{mask}}
	op, err := oidc.NewFederationServiceClient(w.conn).Update(w.Context(), req)
	w.done(op, err)
}

func (w *exchangeWorld) setAudiences(audiences ...string) {
	w.Helper()
	w.update(&oidc.UpdateFederationRequest{Audiences: audiences}, "audiences")
}

func (w *exchangeWorld) setKeys(address string) {
	w.Helper()
	w.update(&oidc.UpdateFederationRequest{JwksUrl: address}, "jwks_url")
}

func (w *exchangeWorld) link(accountID, federationID, subject string) {
	w.Helper()
	op, err := workload.NewFederatedCredentialServiceClient(w.conn).Create(w.Context(), &workload.CreateFederatedCredentialRequest{
		ServiceAccountId: accountID, FederationId: federationID, ExternalSubjectId: subject})
	w.done(op, err)
}

func (w *exchangeWorld) addFederation(folder, issuer, keys string) *oidc.Federation {
	w.Helper()
	op, err := oidc.NewFederationServiceClient(w.conn).Create(w.Context(), &oidc.CreateFederationRequest{FolderId: folder, Name: "another",
		Issuer: issuer, Audiences: []string{testIssuer}, JwksUrl: keys})
	return must[*oidc.Federation](w.T, op, err)
}

func (w *exchangeWorld) deleteCredential() {
	op, err := workload.NewFederatedCredentialServiceClient(w.conn).Delete(w.Context(), &workload.DeleteFederatedCredentialRequest{FederatedCredentialId: w.credential.Id})
	w.done(op, err)
}

func (w *exchangeWorld) deleteFederation() {
	w.deleteCredential()
	op, err := oidc.NewFederationServiceClient(w.conn).Delete(w.Context(), &oidc.DeleteFederationRequest{FederationId: w.federation.Id})
	w.done(op, err)
}

func (w *exchangeWorld) deleteAccount() {
	op, err := iam.NewServiceAccountServiceClient(w.conn).Delete(w.Context(), &iam.DeleteServiceAccountRequest{ServiceAccountId: w.account.Id})
	w.done(op, err)
}

func (w *exchangeWorld) suspendAccount() {
	op, err := iam.NewServiceAccountServiceClient(w.conn).Suspend(w.Context(), &iam.SuspendServiceAccountRequest{ServiceAccountId: w.account.Id})
	w.done(op, err)
}

// moved links an account of the other folder and asks for that one.
func (w *exchangeWorld) moved() {
	op, err := iam.NewServiceAccountServiceClient(w.conn).Create(w.Context(), &iam.CreateServiceAccountRequest{FolderId: w.cloud.World().OtherFolderID, Name: "sa-elsewhere"})
	w.account = must[*iam.ServiceAccount](w.T, op, err)
	w.link(w.account.Id, w.federation.Id, testSubject)
}

// asking probes with the good token for another account.
func asking(account func(*exchangeWorld) string) func(*exchangeWorld) string {
	return func(w *exchangeWorld) string {
		form := w.form(w.rs256(w.claims()))
		form.Set("audience", account(w))
		return w.outcome(w.send(http.MethodPost, formType, form.Encode()))
	}
}

func stateTrials() map[string]bugTrial {
	other := asking(func(w *exchangeWorld) string { return w.other.Id })
	return map[string]bugTrial{
		"DisabledFederationAccepted": {strict: "federation-disabled", wrong: accepted, probe: good,
			before: func(w *exchangeWorld) { w.update(&oidc.UpdateFederationRequest{Disabled: true}, "disabled") }},
		"DeletedFederationRemembered": {before: (*exchangeWorld).deleteFederation, probe: good, strict: "not-linked", wrong: accepted},
		"DeletedCredentialRemembered": {before: (*exchangeWorld).deleteCredential, probe: good, strict: "not-linked", wrong: accepted},
		"DeletedAccountRemembered":    {before: (*exchangeWorld).deleteAccount, probe: good, strict: "service-account-unknown", wrong: accepted},
		"SuspendedAccountAccepted":    {before: (*exchangeWorld).suspendAccount, probe: good, strict: "service-account-status", wrong: accepted},
		"RemovedAudienceRemembered":   {before: func(w *exchangeWorld) { w.setAudiences("other") }, probe: good, strict: "audience", wrong: accepted},
		"FormerJWKSURLUsed": {before: func(w *exchangeWorld) { w.alsoServe("/new.json", `{"keys":[]}`); w.setKeys(w.at("/new.json")) }, probe: good,
			strict: "kid-unknown", wrong: accepted},
		"AnyCredentialAccepted":      {probe: other, strict: "not-linked", wrong: accepted},
		"UnlinkedAccountAccepted":    {probe: other, strict: "not-linked", wrong: accepted},
		"UnknownAccountReplaced":     {probe: asking(func(*exchangeWorld) string { return unknownAccount }), strict: "service-account-unknown", wrong: accepted},
		"OtherFolderRefused":         {before: (*exchangeWorld).moved, probe: good, strict: accepted, wrong: "not-linked"},
		"ParallelLookupsFindNothing": {probe: crowd, strict: accepted, wrong: "not-linked", before: (*exchangeWorld).keepKeys},
	}
}

// keepKeys lets a fetched key set be used for as long as a test takes.
func (w *exchangeWorld) keepKeys() {
	w.cloud.Settings().Change(func(s *settings.Settings) {
		s.JWKS.TTL, s.JWKS.RefetchEvery = settings.Duration(time.Hour), settings.Duration(time.Hour)
	})
}

// crowd makes many exchanges at once; the first refusal is what comes of it.
func crowd(w *exchangeWorld) string {
	body := w.form(w.rs256(w.claims())).Encode()
	answers := make([]sent, 64)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			resp, err := w.http.Post(w.cloud.Announcement().TokenEndpoint, formType, strings.NewReader(body)) //nolint:noctx // a local server of this test
			if err != nil {
				w.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				w.Error(err)
			}
			answers[i] = sent{resp.StatusCode, resp.Header, string(text)}
		})
	}
	all.Wait()
	for _, a := range answers {
		if got := w.outcome(a); got != accepted {
			return got
		}
	}
	return accepted
}
