package mockcloud

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// behaviour is something that a bug changes: what look sees without it, and with it.
type behaviour struct {
	look          func(*place) string
	strict, buggy string
}

// TestBugsOfTheAPI: each changes what it names, in its folder and in no other.
func TestBugsOfTheAPI(t *testing.T) {
	c := start(t, func(o *Options) { clear(o.Settings.Quotas) })
	tables := map[string]map[string]behaviour{
		"access": ofAccess, "secrets": ofSecrets, "federation": ofFederations, "operations": ofOperations, "rest": ofREST, "storage": ofStorage,
	}
	for _, b := range bugs.All() {
		table, ours := tables[b.Area]
		if !ours {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			x, ok := table[b.Name]
			if !ok || x.strict == x.buggy {
				t.Fatal("nothing is known of what it changes")
			}
			with, without := c.place(t, "with"), c.place(t, "without")
			c.Settings().Change(func(s *settings.Settings) { s.Bugs = map[string][]string{with.folder: {b.Name}} })
			if got := x.look(with); got != x.buggy {
				t.Errorf("in its folder: %q, want %q", got, x.buggy)
			}
			if got := x.look(without); got != x.strict {
				t.Errorf("in another folder: %q, want %q", got, x.strict)
			}
		})
	}
}

// place is a folder and what a bug's test makes there.
type place struct {
	*testing.T
	cloud  *Cloud
	folder string
	conn   *grpc.ClientConn
	made   int
}

func (c *Cloud) place(t *testing.T, name string) *place {
	t.Helper()
	folder, err := c.AddFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	return &place{T: t, cloud: c, folder: folder, conn: c.as(t, c.World().Owner)}
}

// name is one that nothing else has.
func (p *place) name() string {
	p.made++
	return fmt.Sprintf("x-%s-%d", p.folder, p.made)
}

// account makes a service account with roles on the folder.
func (p *place) account(roles ...string) access.Subject {
	p.Helper()
	op, err := iam.NewServiceAccountServiceClient(p.conn).Create(p.Context(), &iam.CreateServiceAccountRequest{FolderId: p.folder, Name: p.name()})
	s := access.Subject{Type: access.ServiceAccount, ID: must[*iam.ServiceAccount](p.T, op, err).Id}
	for _, role := range roles {
		p.bind(p.folder, s, role, accesspb.AccessBindingAction_ADD)
	}
	return s
}

// bind changes a role of an account on a folder.
func (p *place) bind(folder string, s access.Subject, role string, action accesspb.AccessBindingAction) {
	p.Helper()
	op, err := resourcemanager.NewFolderServiceClient(p.conn).UpdateAccessBindings(p.Context(), update(folder, s, role, action))
	must[*accesspb.AccessBindingsOperationResult](p.T, op, err)
}

func update(resource string, s access.Subject, role string, action accesspb.AccessBindingAction) *accesspb.UpdateAccessBindingsRequest {
	return &accesspb.UpdateAccessBindingsRequest{ResourceId: resource, AccessBindingDeltas: []*accesspb.AccessBindingDelta{{Action: action,
		AccessBinding: &accesspb.AccessBinding{RoleId: role, Subject: &accesspb.Subject{Id: s.ID, Type: s.Type}}}}}
}

// reader is an account that may read the folder's secrets.
func (p *place) reader() access.Subject { return p.account("lockbox.payloadViewer") }

func text(key, value string) *lockbox.PayloadEntryChange {
	return &lockbox.PayloadEntryChange{Key: key, Value: &lockbox.PayloadEntryChange_TextValue{TextValue: value}}
}

func binary(key string, value []byte) *lockbox.PayloadEntryChange {
	return &lockbox.PayloadEntryChange{Key: key, Value: &lockbox.PayloadEntryChange_BinaryValue{BinaryValue: value}}
}

func (p *place) secrets() lockbox.SecretServiceClient { return lockbox.NewSecretServiceClient(p.conn) }

// secret makes a secret; without entries it is key=value.
func (p *place) secret(entries ...*lockbox.PayloadEntryChange) *lockbox.Secret {
	p.Helper()
	if len(entries) == 0 {
		entries = append(entries, text("key", "value"))
	}
	op, err := p.secrets().Create(p.Context(), &lockbox.CreateSecretRequest{FolderId: p.folder, Name: p.name(), VersionPayloadEntries: entries})
	return must[*lockbox.Secret](p.T, op, err)
}

// sealed makes a secret with a KMS key.
func (p *place) sealed() *lockbox.Secret {
	p.Helper()
	op, err := kms.NewSymmetricKeyServiceClient(p.conn).Create(p.Context(), &kms.CreateSymmetricKeyRequest{FolderId: p.folder, DefaultAlgorithm: kms.SymmetricAlgorithm_AES_256})
	key := must[*kms.SymmetricKey](p.T, op, err).Id
	op, err = p.secrets().Create(p.Context(), &lockbox.CreateSecretRequest{FolderId: p.folder, KmsKeyId: key, VersionPayloadEntries: []*lockbox.PayloadEntryChange{text("key", "value")}})
	return must[*lockbox.Secret](p.T, op, err)
}

// read is what an account gets of a secret: its values, or a code.
func (p *place) read(s access.Subject, secret, version string) string {
	p.Helper()
	got, err := lockbox.NewPayloadServiceClient(p.cloud.as(p.T, s)).Get(p.Context(), &lockbox.GetPayloadRequest{SecretId: secret, VersionId: version})
	return shown(got, err)
}

func shown(got *lockbox.Payload, err error) string {
	if err != nil {
		return status.Code(err).String()
	}
	var out []string
	for _, e := range got.Entries {
		out = append(out, cmp.Or(e.GetTextValue(), string(e.GetBinaryValue())))
	}
	return "read " + strings.Join(out, ",")
}

// with reads a secret with an Authorization header of the test's.
func (p *place) with(authorization, secret string) string {
	p.Helper()
	ctx := p.Context()
	if authorization != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
	}
	return shown(lockbox.NewPayloadServiceClient(p.cloud.dial(p.T)).Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret}))
}

// token is an IAM token of an account.
func (p *place) token(s access.Subject) string {
	return p.cloud.kernel.Tokens.Mint(s, p.cloud.clock.Now().Add(time.Hour))
}

// rest reads a secret's payload by REST.
func (p *place) rest(s access.Subject, secret string) (int, string, http.Header) {
	p.Helper()
	return p.http(http.MethodGet, payloadOf(secret), p.token(s), "")
}

func payloadOf(secret string) string {
	return "https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/" + secret + "/payload"
}

func (p *place) http(method, url, token, body string, headers ...string) (int, string, http.Header) {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := p.cloud.realNames().Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header
}

func (p *place) federations() oidc.FederationServiceClient {
	return oidc.NewFederationServiceClient(p.conn)
}

// request is that for a federation.
func (p *place) request(change ...func(*oidc.CreateFederationRequest)) *oidc.CreateFederationRequest {
	r := &oidc.CreateFederationRequest{FolderId: p.folder, Name: p.name(), Description: "d", Labels: map[string]string{"l": "v"},
		Audiences: []string{"a"}, Issuer: "https://i.example.com", JwksUrl: "https://k.example.com/jwks"}
	for _, f := range change {
		f(r)
	}
	return r
}

func (p *place) federation(change ...func(*oidc.CreateFederationRequest)) *oidc.Federation {
	p.Helper()
	op, err := p.federations().Create(p.Context(), p.request(change...))
	return must[*oidc.Federation](p.T, op, err)
}

// create makes a federation and tells the code of the answer.
func (p *place) create(change ...func(*oidc.CreateFederationRequest)) string {
	_, err := p.federations().Create(p.Context(), p.request(change...))
	return status.Code(err).String()
}

func (p *place) get(id string) *oidc.Federation {
	p.Helper()
	f, err := p.federations().Get(p.Context(), &oidc.GetFederationRequest{FederationId: id})
	if err != nil {
		p.Fatal(err)
	}
	return f
}

// link makes a credential as the owner, or as another.
func (p *place) link(account, federation, subject string, as ...access.Subject) (*operation.Operation, error) {
	p.Helper()
	conn := p.conn
	for _, s := range as {
		conn = p.cloud.as(p.T, s)
	}
	return workload.NewFederatedCredentialServiceClient(conn).Create(p.Context(), &workload.CreateFederatedCredentialRequest{
		ServiceAccountId: account, FederationId: federation, ExternalSubjectId: subject})
}

// subjectOf is the subject that is kept of a credential.
func (p *place) subjectOf(subject string) string {
	p.Helper()
	op, err := p.link(p.account().ID, p.federation().Id, subject)
	if err != nil {
		return status.Code(err).String()
	}
	made := must[*workload.FederatedCredential](p.T, op, err)
	got, err := workload.NewFederatedCredentialServiceClient(p.conn).Get(p.Context(), &workload.GetFederatedCredentialRequest{FederatedCredentialId: made.Id})
	if err != nil {
		p.Fatal(err)
	}
	return got.ExternalSubjectId
}

// sorted joins words in their order.
func sorted(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(words, " ")
}
