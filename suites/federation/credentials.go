package federation

import (
	"context"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A federated credential", func() {
	propagation := run.Current().Config.Timeouts.Propagation.D()

	It("is shown as it was made, and gone when it is deleted", check.Decides(conformance.CredentialRoundTrip), limit(), credentialRoundTrip)
	It("has the subject character by character", check.Decides(conformance.CredentialSubjectExact), limit(), subjectExact)
	It("has a subject of at most 1000 characters", check.Decides(conformance.CredentialSubjectLength), limit(), subjectLength)
	It("is of a federation that exists", check.Decides(conformance.CredentialUnknownFederation), limit(), unknownFederation)
	It("is of a service account that exists", check.Decides(conformance.CredentialUnknownSA), limit(), unknownAccount)
	It("is there twice, or not", check.Decides(conformance.CredentialDuplicate), limit(), duplicate)
	It("has an empty subject, or not", check.Decides(conformance.CredentialEmptySubject), limit(), emptySubject)
	It("is of a service account in another folder", check.Decides(conformance.CredentialCrossFolderSA), limit(), crossFolder)
	It("needs a role on the account and one on the federation's folder", check.Decides(conformance.CredentialNeedsBothRoles),
		forge.Limit(propagation, propagation, propagation), needsBothRoles)
	It("goes with its federation, or keeps it", check.Decides(conformance.FederationDeleteWithCredentials), limit(), deleteWithCredentials)
})

// subject is one that the documentation shows.
const subject = "system:serviceaccount:Check-ns:wlif"

// pair is a federation and a service account of the present spec's own.
type pair struct {
	fixtures   *provision.Fixtures
	federation *oidc.Federation
	account    string
}

// newPair makes them, the account in a folder ("" is the run's).
func newPair(ctx context.Context, folder string) pair {
	GinkgoHelper()
	f := run.Current().Fixtures()
	account, err := f.ServiceAccount(ctx, "check", folder)
	check.Prerequisite(err, "making a service account for the check")
	return pair{f, given(ctx, nil), account}
}

func (p pair) link(ctx context.Context, subject string) (id string, err error) {
	return p.fixtures.Link(ctx, p.account, p.federation.GetId(), subject)
}

// linked links a subject that must be accepted, and reads the credential.
func (p pair) linked(ctx context.Context, subject, what string) *workload.FederatedCredential {
	GinkgoHelper()
	run.Step("linking " + what)
	id, err := p.link(ctx, subject)
	check.NoError(calling.Judged(err), "linking "+what)
	return p.credential(ctx, id)
}

func (p pair) credential(ctx context.Context, id string) *workload.FederatedCredential {
	GinkgoHelper()
	shown, err := run.Current().Cloud.FederatedCredentials().Get(ctx, &workload.GetFederatedCredentialRequest{FederatedCredentialId: id})
	check.NoError(calling.Judged(err), "reading the credential")
	return shown
}

// listed says whether the list of the account's credentials has one.
func (p pair) listed(ctx context.Context, id string) bool {
	GinkgoHelper()
	all, err := credentialsOf(ctx, run.Current().Cloud, p.account)
	check.NoError(calling.Judged(err), "listing the account's credentials")
	return slices.ContainsFunc(all, func(c *workload.FederatedCredential) bool { return c.GetId() == id })
}

func credentialsOf(ctx context.Context, c *cloud.Client, account string) ([]*workload.FederatedCredential, error) {
	return cloud.All(func(token string) ([]*workload.FederatedCredential, string, error) {
		r, err := c.FederatedCredentials().List(ctx, &workload.ListFederatedCredentialsRequest{ServiceAccountId: account, PageToken: token})
		return r.GetFederatedCredentials(), r.GetNextPageToken(), err
	})
}

func hasSubject(c *workload.FederatedCredential, want string) {
	GinkgoHelper()
	if got := c.GetExternalSubjectId(); got != want {
		Fail("the credential has the subject " + brief(got) + ", not " + brief(want))
	}
}

func credentialRoundTrip(ctx SpecContext) {
	p := newPair(ctx, "")
	shown := p.linked(ctx, subject, "the account")
	Expect(shown.GetServiceAccountId()).To(Equal(p.account), "service_account_id")
	Expect(shown.GetFederationId()).To(Equal(p.federation.GetId()), "federation_id")
	Expect(shown.GetCreatedAt().IsValid()).To(BeTrue(), "created_at is there")
	hasSubject(shown, subject)
	Expect(p.listed(ctx, shown.GetId())).To(BeTrue(), "the list of the account's credentials has it")
	run.Step("deleting the credential")
	check.NoError(calling.Judged(p.fixtures.Delete(ctx, shown.GetId())), "deleting the credential")
	Expect(p.listed(ctx, shown.GetId())).To(BeFalse(), "the list of the account's credentials has the deleted one")
	calling.Refuse(func() error {
		_, err := run.Current().Cloud.FederatedCredentials().Get(ctx, &workload.GetFederatedCredentialRequest{FederatedCredentialId: shown.GetId()})
		return err
	}, "the credential is deleted", codes.NotFound)
}

// subjectExact has subjects that something on the way may tidy up. One that is
// refused is not kept wrongly.
func subjectExact(ctx SpecContext) {
	p := newPair(ctx, "")
	hasSubject(p.linked(ctx, subject, "a subject with a capital letter"), subject)
	for what, unusual := range map[string]string{
		"a subject with white space around it": " " + subject + "\t",
		"a subject with letters of others":     "репозиторий:группа/проект:日本",
		"a subject with signs":                 `repo:o@1/r@2:ref:refs/heads/a*b?c%20d&e=f<g>"h"\i`,
	} {
		run.Step("linking " + what)
		id, err := p.link(ctx, unusual)
		if cloud.ClassOf(err) == cloud.ClassInvalid {
			check.Observe(what, "refused")
			continue
		}
		check.NoError(calling.Judged(err), "linking "+what)
		hasSubject(p.credential(ctx, id), unusual)
	}
}

// subjectLimit is how many characters a subject may have.
const subjectLimit = 1000

func subjectLength(ctx SpecContext) {
	p := newPair(ctx, "")
	long := func(length int) string { return "repo:" + strings.Repeat("s", length-len("repo:")) }
	hasSubject(p.linked(ctx, long(subjectLimit), "a subject of 1000 characters"), long(subjectLimit))
	calling.Refuse(func() error {
		_, err := p.link(ctx, long(subjectLimit+1))
		return err
	}, "the subject has 1001 characters", codes.InvalidArgument)
}

// unknownFederation names one that was deleted a moment ago: its id has every
// property of an id but that something has it.
func unknownFederation(ctx SpecContext) {
	p := newPair(ctx, "")
	run.Step("the twin: the account is linked to a federation that is there")
	_, err := p.link(ctx, subject)
	check.Prerequisite(err, "the twin, which differs from the check in the federation alone")
	gone := given(ctx, nil)
	check.Prerequisite(p.fixtures.Delete(ctx, gone.GetId()), "deleting a federation")
	calling.Refuse(func() error {
		_, err := p.fixtures.Link(ctx, p.account, gone.GetId(), subject)
		return err
	}, "there is no federation with that id")
}

func unknownAccount(ctx SpecContext) {
	p := newPair(ctx, "")
	run.Step("the twin: an account that is there is linked")
	_, err := p.link(ctx, subject)
	check.Prerequisite(err, "the twin, which differs from the check in the service account alone")
	gone, err := p.fixtures.ServiceAccount(ctx, "gone", "")
	check.Prerequisite(err, "making a service account for the check")
	check.Prerequisite(p.fixtures.Delete(ctx, gone), "deleting a service account")
	calling.Refuse(func() error {
		_, err := p.fixtures.Link(ctx, gone, p.federation.GetId(), subject)
		return err
	}, "there is no service account with that id")
}

func duplicate(ctx SpecContext) {
	p := newPair(ctx, "")
	p.linked(ctx, subject, "the account")
	_, err := p.link(ctx, subject)
	check.ObserveAnswer(err, "linking the same account, federation and subject again")
}

func emptySubject(ctx SpecContext) {
	_, err := newPair(ctx, "").link(ctx, "")
	check.ObserveAnswer(err, "linking an empty subject")
}

func crossFolder(ctx SpecContext) {
	p := newPair(ctx, run.Current().Config.OtherFolderID)
	shown := p.linked(ctx, subject, "an account of another folder")
	Expect(shown.GetServiceAccountId()).To(Equal(p.account), "service_account_id")
}

// needsBothRoles gives one role, then both, then takes the first one away. That the
// first is in force while it is alone shows in what else it allows.
func needsBothRoles(ctx SpecContext) {
	const editor, user = "iam.serviceAccounts.federatedCredentialEditor", "iam.workloadIdentityFederations.user"
	r, p := run.Current(), newPair(ctx, "")
	linker := calling.Own(ctx)
	api := linker.API(ctx)
	onAccount, onFolder := provision.On{Kind: provision.OnServiceAccount, ID: p.account}, provision.On{Kind: provision.OnFolder}
	made := 0
	link := func(ctx context.Context) error {
		made++
		_, err := r.Fixtures().As(api).Link(ctx, p.account, p.federation.GetId(), subject+"-"+strconv.Itoa(made))
		return err
	}
	calling.Grant(ctx, linker, editor, onAccount)
	check.Prerequisite(r.Settled(ctx, calling.RoleGranted, func(ctx context.Context) error {
		_, err := credentialsOf(ctx, api, p.account)
		return err
	}), "waiting for "+editor)
	calling.Refuse(func() error { return link(ctx) }, "there is no role on the federation's folder", codes.PermissionDenied)
	calling.Grant(ctx, linker, user, onFolder)
	run.Step("linking with both roles")
	r.Settle(ctx, calling.RoleGranted, func(ctx context.Context) error { return calling.Judged(link(ctx)) })
	calling.Revoke(ctx, linker, editor, onAccount)
	run.Step("refused: there is no role on the service account")
	r.Settle(ctx, calling.RoleRevoked, func(ctx context.Context) error { return calling.Refusal(link(ctx), codes.PermissionDenied) })
}

// deleteWithCredentials leaves to the end of the spec what the cloud keeps.
func deleteWithCredentials(ctx SpecContext) {
	p := newPair(ctx, "")
	shown := p.linked(ctx, subject, "the account")
	c := run.Current().Cloud
	op, err := c.Federations().Delete(ctx, &oidc.DeleteFederationRequest{FederationId: p.federation.GetId()})
	if err == nil {
		err = c.Wait(ctx, "yandex.cloud.iam.v1.workload.oidc.FederationService/Delete", op, nil, nil)
	}
	check.ObserveAnswer(err, "deleting a federation that has a credential")
	check.Observe("credential still listed", strconv.FormatBool(p.listed(ctx, shown.GetId())))
}
