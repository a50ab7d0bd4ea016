package provision

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Fixtures makes the resources that single checks need for themselves, each with
// its lines in the run's ledger: a check that changes something changes its own.
// It is safe for concurrent use.
type Fixtures struct {
	b *builder
	o Options
}

// NewFixtures makes fixtures of the run that o.Ledger belongs to. made, if not
// nil, is told of the id of everything that was made, at once, so that the caller
// can have it deleted; what nobody deletes, Teardown does.
func NewFixtures(o Options, made func(id string)) *Fixtures {
	h := o.Ledger.Header()
	return &Fixtures{o: o, b: &builder{client: o.Client, ledger: o.Ledger, folder: o.Config.FolderID,
		labels: Labels(h.RunID, h.Owner, h.Expires), made: made}}
}

// As are the same fixtures, made by another account of the cloud. The run's own
// deletes what they make.
func (f *Fixtures) As(other *cloud.Client) *Fixtures {
	o, b := f.o, *f.b
	o.Client, b.client = other, other
	return &Fixtures{o: o, b: &b}
}

// Labels are those of everything that the run makes.
func (f *Fixtures) Labels() map[string]string { return f.b.labels }

// Name is a name of the run that nothing else has: wlif-<run>-<what>-<random>.
func (f *Fixtures) Name(what string) string {
	return Name(f.o.Ledger.Header().RunID, what+"-"+strings.ToLower(rand.Text()[:5]))
}

// make creates one resource in a folder ("" is the run's).
func (f *Fixtures) make(ctx context.Context, folder string, c creation) (string, error) {
	b := *f.b
	b.folder = cmp.Or(folder, b.folder)
	c.step = stepCheck
	return b.create(ctx, c, nil)
}

// stepCheck is the step of everything that checks make.
const stepCheck = "check"

// ServiceAccount makes an IAM service account in a folder ("" is the run's).
func (f *Fixtures) ServiceAccount(ctx context.Context, what, folder string) (id string, err error) {
	name := f.Name(what)
	return f.make(ctx, folder, creation{kind: KindServiceAccount, name: name, method: "yandex.cloud.iam.v1.ServiceAccountService/Create",
		call: func(ctx context.Context) (*operation.Operation, error) {
			return f.o.Client.ServiceAccounts().Create(ctx, &iam.CreateServiceAccountRequest{
				FolderId: cmp.Or(folder, f.b.folder), Name: name, Labels: f.b.labels})
		}})
}

// FederationSpec is what a check wants of a federation.
type FederationSpec struct {
	Issuer, JWKSURL string
	Audiences       []string
	// Folder is the run's if it is empty.
	Folder string
}

// Federation makes an OIDC workload identity federation.
func (f *Fixtures) Federation(ctx context.Context, what string, spec FederationSpec) (*oidc.Federation, error) {
	made, _, err := f.CreateFederation(ctx, &oidc.CreateFederationRequest{FolderId: cmp.Or(spec.Folder, f.b.folder), Name: f.Name(what),
		Labels: f.b.labels, Issuer: spec.Issuer, Audiences: spec.Audiences, JwksUrl: spec.JWKSURL})
	return made, err
}

// CreateFederation makes a federation by a request of the caller's, who may want it
// refused, or repeated under the key of cloud.WithIdempotencyKey. The operation is
// as it was when the call was accepted.
func (f *Fixtures) CreateFederation(ctx context.Context, req *oidc.CreateFederationRequest) (made *oidc.Federation, op *operation.Operation, err error) {
	made = &oidc.Federation{}
	_, err = f.make(ctx, req.GetFolderId(), creation{kind: KindFederation, name: req.GetName(), method: "yandex.cloud.iam.v1.workload.oidc.FederationService/Create",
		response: made, call: func(ctx context.Context) (_ *operation.Operation, err error) {
			op, err = f.o.Client.Federations().Create(ctx, req)
			return op, err
		}})
	if err != nil {
		return nil, op, err
	}
	return made, op, nil
}

// Link makes a federated credential: the subject may act as the account.
func (f *Fixtures) Link(ctx context.Context, accountID, federationID, subject string) (id string, err error) {
	return f.make(ctx, "", creation{kind: KindCredential, name: subject, parent: accountID, method: "yandex.cloud.iam.v1.workload.FederatedCredentialService/Create",
		call: func(ctx context.Context) (*operation.Operation, error) {
			return f.o.Client.FederatedCredentials().Create(ctx, &workload.CreateFederatedCredentialRequest{
				ServiceAccountId: accountID, FederationId: federationID, ExternalSubjectId: subject})
		}})
}

// SecretSpec is what a check wants of a Lockbox secret.
type SecretSpec struct {
	// Folder is the run's if it is empty.
	Folder   string
	KMSKeyID string
	Entries  []*lockbox.PayloadEntryChange
}

// TextEntry is an entry of a secret's payload.
func TextEntry(key, value string) *lockbox.PayloadEntryChange {
	return &lockbox.PayloadEntryChange{Key: key, Value: &lockbox.PayloadEntryChange_TextValue{TextValue: value}}
}

// Secret makes a Lockbox secret.
func (f *Fixtures) Secret(ctx context.Context, what string, spec SecretSpec) (*lockbox.Secret, error) {
	name, made := f.Name(what), &lockbox.Secret{}
	_, err := f.make(ctx, spec.Folder, creation{kind: KindSecret, name: name, method: "yandex.cloud.lockbox.v1.SecretService/Create",
		response: made, call: func(ctx context.Context) (*operation.Operation, error) {
			return f.o.Client.Secrets().Create(ctx, &lockbox.CreateSecretRequest{FolderId: cmp.Or(spec.Folder, f.b.folder), Name: name,
				Labels: f.b.labels, KmsKeyId: spec.KMSKeyID, VersionPayloadEntries: spec.Entries})
		}})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// KMSKey makes a symmetric key in the run's folder.
func (f *Fixtures) KMSKey(ctx context.Context, what string) (id string, err error) {
	name := f.Name(what)
	return f.make(ctx, "", creation{kind: KindKMSKey, name: name, method: "yandex.cloud.kms.v1.SymmetricKeyService/Create",
		call: func(ctx context.Context) (*operation.Operation, error) {
			return f.o.Client.SymmetricKeys().Create(ctx, &kms.CreateSymmetricKeyRequest{FolderId: f.b.folder, Name: name,
				Labels: f.b.labels, DefaultAlgorithm: kms.SymmetricAlgorithm_AES_256})
		}})
}

// Delete deletes resources that these fixtures made, with the roles and
// credentials that hang on them, in the order that they allow. What is gone
// already is no error.
func (f *Fixtures) Delete(ctx context.Context, ids ...string) error {
	var records []Record
	for _, r := range f.o.Ledger.Live() {
		if slices.Contains(ids, r.ID) || r.Parent != "" && slices.Contains(ids, r.Parent) {
			records = append(records, r)
		}
	}
	m := &remover{client: f.o.Client, folder: f.b.folder, timeouts: f.o.Config.Timeouts, storage: f.o.Config.StorageEndpoint, dial: f.o.Dial, internal: f.o.Config.InternalEndpoint, gone: f.o.Ledger.Deleted}
	_, err := m.run(ctx, records, nil, nil)
	return err
}

// Grant gives an account a role.
func (f *Fixtures) Grant(ctx context.Context, accountID, role string, on On) error {
	if on.Kind != OnFolder {
		return f.rebind(ctx, accountID, role, on, true)
	}
	b := *f.b
	b.folder = cmp.Or(on.ID, b.folder)
	return b.bind(ctx, stepCheck, accountID, []string{role}, nil)
}

// Revoke takes a role away that Grant gave.
func (f *Fixtures) Revoke(ctx context.Context, accountID, role string, on On) error {
	if on.Kind != OnFolder {
		return f.rebind(ctx, accountID, role, on, false)
	}
	records := slices.DeleteFunc(f.o.Ledger.Live(), func(r Record) bool {
		return r.Kind != KindAccessBinding || r.ID != bindingID(role, accountID) || r.FolderID != cmp.Or(on.ID, f.b.folder)
	})
	if len(records) == 0 {
		return errors.New("revoking " + role + ": these fixtures did not grant it to " + accountID)
	}
	m := &remover{client: f.o.Client, folder: f.b.folder, timeouts: f.o.Config.Timeouts, gone: f.o.Ledger.Deleted}
	_, err := m.run(ctx, records, nil, nil)
	return err
}
