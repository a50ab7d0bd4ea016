package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/endpoint"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
)

// authorityDir holds the authority of the mocks that tests start in this process,
// which reads SSL_CERT_FILE once.
var authorityDir string

func withAuthority(run func() int) int {
	dir, err := os.MkdirTemp("", "wlif-test-")
	if err == nil {
		_, err = wire.NewAuthority(dir, func(string) bool { return true })
	}
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	authorityDir = dir
	_ = os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "ca.pem")) // the name is good
	defer leadToTheMock()()
	return run()
}

// present is the address of the mock that the test at hand has started.
var present atomic.Value

// leadToTheMock makes this process find the object storage's real name at the
// present mock. net/http reads the environment once, and child processes are not to.
func leadToTheMock() (end func()) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, _ := present.Load().(string)
		(&wire.Tunnel{Serves: func(host string) bool { return host == endpoint.StorageHost }, To: to, Else: http.NotFoundHandler()}).ServeHTTP(w, r)
	}))
	_ = os.Setenv("HTTPS_PROXY", proxy.URL) // the name is good
	_, _ = http.ProxyFromEnvironment(httptest.NewRequest(http.MethodGet, "https://"+endpoint.StorageHost, nil))
	_ = os.Unsetenv("HTTPS_PROXY")
	return proxy.Close
}

// patient is a setup in a mock that works, for a mistake to be planted in.
type patient struct {
	t        *testing.T
	mock     *mockcloud.Cloud
	kube     *kubernetes
	announce mockcloud.Announcement
	client   *cloud.Client
	fixtures *provision.Fixtures
	issuer   *issuer.Issuer
	bucket   string

	federation *oidc.Federation
	account    string
	credential string
	claims     issuer.Claims
	mutations  []issuer.Mutation
	secret     string
}

const patientSubject = "system:serviceaccount:wlif:app"

func newPatient(t *testing.T) *patient {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"ca.pem", "ca.key"} {
		data, err := os.ReadFile(filepath.Join(authorityDir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set := settings.Default()
	kube := newKubernetes(t)
	mock, err := mockcloud.Start(t.Context(), mockcloud.Options{Dir: dir, Settings: &set, Engine: kube})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mock.Close(context.WithoutCancel(t.Context())) })
	p := &patient{t: t, mock: mock, kube: kube, announce: mock.Announcement()}
	present.Store(p.announce.Endpoint)
	token, err := os.ReadFile(p.announce.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("YC_ENDPOINT", p.announce.Endpoint)
	t.Setenv("YC_TOKEN", string(token))
	p.client = p.connect(config.Credentials{Token: config.NewSecret(string(token))})
	p.fixtures = p.makeFixtures()
	p.link()
	return p
}

func (p *patient) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) connect(credentials config.Credentials) *cloud.Client {
	p.t.Helper()
	client, err := cloud.Connect(p.t.Context(), cloud.Options{Endpoint: p.announce.Endpoint, Credentials: credentials})
	p.must(err)
	p.t.Cleanup(func() { _ = client.Close(context.WithoutCancel(p.t.Context())) })
	return client
}

func (p *patient) makeFixtures() *provision.Fixtures {
	p.t.Helper()
	cfg, err := config.Load(nil, []string{"YC_ENDPOINT=" + p.announce.Endpoint, "YC_FOLDER_ID=" + p.announce.FolderID, "YC_TOKEN=x", "WLIF_OUT=" + p.t.TempDir()})
	p.must(err)
	cfg.StorageEndpoint = p.announce.StorageEndpoint
	ledger, err := provision.CreateLedger(p.t.TempDir(), provision.Header{RunID: provision.NewRunID(), Owner: "tester", Endpoint: p.announce.Endpoint,
		FolderID: p.announce.FolderID, Started: time.Now(), Expires: time.Now().Add(time.Hour), PID: os.Getpid()})
	p.must(err)
	p.t.Cleanup(func() { _ = ledger.Close() })
	return provision.NewFixtures(provision.Options{Config: cfg, Client: p.client, Ledger: ledger}, nil)
}

// link makes what a token needs to be taken.
func (p *patient) link() {
	p.t.Helper()
	ctx := p.t.Context()
	var err error
	p.bucket, err = p.fixtures.Bucket(ctx, "issuer", provision.BucketSpec{Public: true})
	p.must(err)
	p.issuer, err = issuer.New(p.announce.StorageEndpoint + "/" + p.bucket)
	p.must(err)
	url, err := p.fixtures.Put(ctx, p.bucket, "jwks.json", "application/json", issuer.JWKS(p.issuer.Keys()...))
	p.must(err)
	p.federation, err = p.fixtures.Federation(ctx, "fed", provision.FederationSpec{Issuer: p.issuer.URL, JWKSURL: url, Audiences: []string{p.issuer.URL}})
	p.must(err)
	p.account, err = p.fixtures.ServiceAccount(ctx, "sa", "")
	p.must(err)
	p.credential, err = p.fixtures.Link(ctx, p.account, p.federation.GetId(), patientSubject)
	p.must(err)
	p.claims = p.issuer.Claims(patientSubject, p.issuer.URL)
}

// makeSecret makes the secret that the account is to read, in a folder.
func (p *patient) makeSecret(folder string) {
	p.t.Helper()
	secret, err := p.fixtures.Secret(p.t.Context(), "secret", provision.SecretSpec{Folder: folder, Entries: []*lockbox.PayloadEntryChange{provision.TextEntry("key", "value")}})
	p.must(err)
	p.secret = secret.GetId()
}

func (p *patient) grant(role, folder string) {
	p.t.Helper()
	p.must(p.fixtures.Grant(p.t.Context(), p.account, role, provision.On{Kind: provision.OnFolder, ID: folder}))
}

// update changes the federation.
func (p *patient) update(change func(*oidc.UpdateFederationRequest), mask ...string) {
	p.t.Helper()
	request := &oidc.UpdateFederationRequest{FederationId: p.federation.GetId(), UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}
	change(request)
	op, err := p.client.Federations().Update(p.t.Context(), request)
	p.must(err)
	p.must(p.client.Wait(p.t.Context(), "update", op, nil, nil))
}

// doctor runs the command with the patient's token.
func (p *patient) doctor(extra ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	token, err := p.issuer.Forge(p.claims, p.mutations...)
	p.must(err)
	return p.doctorWith(token.Reveal(), extra...)
}

func (p *patient) doctorWith(token string, extra ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "token")
	p.must(os.WriteFile(file, []byte(token+"\n"), 0o600))
	args := append([]string{"doctor", "exchange", "--federation", p.federation.GetId(), "--service-account", p.account, "--token-file", file,
		"--token-endpoint", p.announce.TokenEndpoint}, extra...)
	if p.secret != "" {
		args = append(args, "--secret", p.secret)
	}
	code, stdout, stderr = command(p.t, args...)
	for _, part := range append(strings.Split(token, "."), "t1.") {
		if (len(part) > 4 || part == "t1.") && strings.Contains(stdout+stderr, part) {
			p.t.Errorf("a token is printed: %s%s", stdout, stderr)
		}
	}
	return code, stdout, stderr
}

// Each mistake is planted alone in what works, and named.
func TestDoctorNamesThePlantedMistake(t *testing.T) {
	for _, tc := range []struct {
		title string
		plant func(*patient)
		name  string
		fix   string
	}{
		{"slash at the token's iss", func(p *patient) { p.claims["iss"] = p.issuer.URL + "/" }, exchange.TrailingSlash, "Create a federation whose issuer is the token's iss to the letter"},
		{"iss of http", func(p *patient) { p.claims["iss"] = "http" + strings.TrimPrefix(p.issuer.URL, "https") }, exchange.OtherScheme, "Create a federation whose issuer is the token's iss to the letter"},
		{"aud is the account", func(p *patient) { p.claims["aud"] = p.account }, exchange.AudienceIsAccount, "belongs into the exchange's `audience` alone"},
		{"no aud", func(p *patient) { delete(p.claims, "aud") }, exchange.AudienceMissing, "Ask for a token with one of the federation's audiences"},
		{"another namespace", func(p *patient) { p.claims["sub"] = "system:serviceaccount:default:app" }, exchange.OtherNamespace, "Create a federated credential for the pod's own namespace"},
		{"sub in capitals", func(p *patient) { p.claims["sub"] = strings.ToUpper(patientSubject) }, exchange.LetterCase, "Create a federated credential whose subject is the token's sub to the letter"},
		{"expired", func(p *patient) { p.claims["exp"] = time.Now().Add(-time.Hour).Unix() }, exchange.Expired, "Read the token from its file again"},
		{"not yet valid", func(p *patient) { p.claims["nbf"] = time.Now().Add(time.Hour).Unix() }, exchange.NotYetValid, "Compare the clocks"},
		{"a key that is not published", func(p *patient) {
			stranger, err := issuer.New(p.issuer.URL)
			p.must(err)
			p.mutations = append(p.mutations, issuer.SignedBy(stranger.Key(issuer.RSA)))
		}, exchange.KidNotInJWKS, "Publish the issuer's present keys"},
		{"a key of another issuer under the same kid", func(p *patient) {
			stranger, err := issuer.New(p.issuer.URL)
			p.must(err)
			p.mutations = append(p.mutations, issuer.SignedBy(stranger.Key(issuer.RSA).Named(p.issuer.Key(issuer.RSA).ID())))
		}, exchange.SignatureInvalid, "Publish the key that signs now"},
		{"keys in a private bucket", func(p *patient) {
			private, err := p.fixtures.Bucket(p.t.Context(), "private", provision.BucketSpec{})
			p.must(err)
			url, err := p.fixtures.Put(p.t.Context(), private, "jwks.json", "application/json", issuer.JWKS(p.issuer.Keys()...))
			p.must(err)
			p.update(func(r *oidc.UpdateFederationRequest) { r.JwksUrl = url }, "jwks_url")
		}, exchange.JWKSPrivate, "Let everybody read the JWKS"},
		{"keys that are away", func(p *patient) {
			p.update(func(r *oidc.UpdateFederationRequest) { r.JwksUrl = "https://127.0.0.1:1/jwks" }, "jwks_url")
		}, exchange.JWKSUnreachable, "Publish the keys where the cloud can fetch them"},
		{"federation disabled", func(p *patient) {
			p.update(func(r *oidc.UpdateFederationRequest) { r.Disabled = true }, "disabled")
		}, exchange.FederationDisabled, "Enable the federation"},
		{"account suspended", func(p *patient) {
			op, err := p.client.ServiceAccounts().Suspend(p.t.Context(), &iam.SuspendServiceAccountRequest{ServiceAccountId: p.account})
			p.must(err)
			p.must(p.client.Wait(p.t.Context(), "suspend", op, nil, nil))
		}, exchange.AccountSuspended, "Reactivate the service account"},
		{"no credential", func(p *patient) { p.must(p.fixtures.Delete(p.t.Context(), p.credential)) }, exchange.NoCredential, "Create a federated credential: service account, federation"},
		{"credential of another account", func(p *patient) {
			var err error
			p.account, err = p.fixtures.ServiceAccount(p.t.Context(), "other", "")
			p.must(err)
		}, exchange.CredentialOfAnother, "Exchange for that service account"},
		{"role on another folder", func(p *patient) {
			p.makeSecret(p.announce.OtherFolderID)
			p.grant("lockbox.payloadViewer", p.announce.FolderID)
		}, trust.RoleElsewhere, "Assign lockbox.payloadViewer on the secret or on its folder"},
		{"no role", func(p *patient) { p.makeSecret("") }, trust.RoleMissing, "Assign lockbox.payloadViewer on the secret or on its folder"},
		{"wildcard in the subject", func(p *patient) {
			p.must(p.fixtures.Delete(p.t.Context(), p.credential))
			_, err := p.fixtures.Link(p.t.Context(), p.account, p.federation.GetId(), "system:serviceaccount:wlif:*")
			p.must(err)
		}, exchange.WildcardIsLiteral, "create a federated credential for each subject"},
		{"another Kubernetes service account", func(p *patient) { p.claims["sub"] = "system:serviceaccount:wlif:default" }, exchange.OtherAccount, "Set serviceAccountName in the pod"},
		{"account expired", func(p *patient) {
			account, err := p.client.ServiceAccounts().Get(p.t.Context(), &iam.GetServiceAccountRequest{ServiceAccountId: p.account})
			p.must(err)
			op, err := p.client.ServiceAccounts().Update(p.t.Context(), &iam.UpdateServiceAccountRequest{ServiceAccountId: p.account, Name: account.GetName(),
				ExpiresAt: timestamppb.New(time.Now().Add(-time.Hour)), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expires_at"}}})
			p.must(err)
			p.must(p.client.Wait(p.t.Context(), "update", op, nil, nil))
		}, exchange.AccountExpired, "Move the service account's expiry into the future"},
		{"secret inactive", func(p *patient) {
			p.makeSecret("")
			p.grant("lockbox.payloadViewer", "")
			op, err := p.client.Secrets().Deactivate(p.t.Context(), &lockbox.DeactivateSecretRequest{SecretId: p.secret})
			p.must(err)
			p.must(p.client.Wait(p.t.Context(), "deactivate", op, nil, nil))
		}, trust.SecretInactive, "yc lockbox secret activate"},
		{"no role on the key of the secret", func(p *patient) {
			key, err := p.fixtures.KMSKey(p.t.Context(), "key")
			p.must(err)
			secret, err := p.fixtures.Secret(p.t.Context(), "secret", provision.SecretSpec{KMSKeyID: key, Entries: []*lockbox.PayloadEntryChange{provision.TextEntry("key", "value")}})
			p.must(err)
			p.secret = secret.GetId()
			p.grant("lockbox.payloadViewer", "")
		}, trust.KeyRoleMissing, "--role kms.keys.encrypterDecrypter"},
	} {
		t.Run(tc.title, func(t *testing.T) {
			p := newPatient(t)
			if code, stdout, stderr := p.doctor(); code != 0 || !strings.Contains(stdout, "The exchange works") {
				t.Fatalf("before the mistake: code %d: %s%s", code, stdout, stderr)
			}
			tc.plant(p)
			code, stdout, stderr := p.doctor()
			if code != 1 || !strings.Contains(stdout, "First difference: "+tc.name+":") || !strings.Contains(stdout, "What to do: ") || !strings.Contains(stdout, tc.fix) || stderr != "" {
				t.Errorf("code %d, stderr %q:\n%s", code, stderr, stdout)
			}
			if strings.Contains(stdout, "Also:") {
				t.Errorf("one mistake is two differences:\n%s", stdout)
			}
		})
	}
}

// A link that is missing may be one that nobody may make.
func TestDoctorNamesThePolicyThatForbidsTheLink(t *testing.T) {
	p := newPatient(t)
	p.must(p.fixtures.Delete(t.Context(), p.credential))
	op, err := p.client.Folders().BindAccessPolicy(t.Context(), forbidLinks(p.announce.FolderID))
	p.must(err)
	p.must(p.client.Wait(t.Context(), "bind", op, nil, nil))
	code, stdout, stderr := p.doctor()
	if code != 1 || stderr != "" {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{"First difference: " + exchange.NoCredential, "Also: " + diagnose.LinkForbidden, "unbind iam.denyServiceAccountFederatedCredentialsCreation"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not said:\n%s", want, stdout)
		}
	}
}

func forbidLinks(folder string) *access.BindAccessPolicyRequest {
	return &access.BindAccessPolicyRequest{ResourceId: folder, AccessPolicyBinding: &access.AccessPolicyBinding{AccessPolicyTemplateId: "iam.denyServiceAccountFederatedCredentialsCreation"}}
}

func TestDoctorExchange(t *testing.T) {
	p := newPatient(t)
	p.makeSecret("")
	p.grant("lockbox.payloadViewer", "")
	for _, tc := range []struct {
		title string
		token string
		extra []string
		code  int
		want  string
	}{
		{"works, and opens the secret", "", nil, 0, "The service account reads the secret"},
		{"no JWT", "canary-of-a-token", nil, 1, "is not a JWT in compact form"},
		{"the word null", "null", nil, 1, "What to do: look at the answer itself"},
		{"an IAM token", "t1.abc", nil, 1, "What to do: give the Kubernetes token that goes in"},
		{"no token", "", []string{"--token-file", "/nonexistent"}, 2, "/nonexistent"},
		{"an unknown federation", "", []string{"--federation", "aje0123456789abcdefg"}, 2, "reading the federation aje0123456789abcdefg"},
		{"an unknown account", "", []string{"--service-account", "aje0123456789abcdefg"}, 2, "reading the service account aje0123456789abcdefg"},
		{"no token endpoint", "", []string{"--token-endpoint", "https://127.0.0.1:1/oauth/token"}, 3, "did not answer"},
		{"no cloud", "", []string{"--endpoint", "127.0.0.1:1", "--timeout-call", "1s"}, 3, "discovering the endpoints"},
	} {
		t.Run(tc.title, func(t *testing.T) {
			q := *p
			q.t = t
			run := func() (int, string, string) { return q.doctor(tc.extra...) }
			if tc.token != "" {
				run = func() (int, string, string) { return q.doctorWith(tc.token, tc.extra...) }
			}
			if code, stdout, stderr := run(); code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
		})
	}
}

// Keys that the cloud has fetched before may be good for a while.
func TestDoctorSaysWhatWorksByLuck(t *testing.T) {
	p := newPatient(t)
	if code, stdout, _ := p.doctor(); code != 0 || strings.Contains(stdout, "although") {
		t.Errorf("code %d: %s", code, stdout)
	}
	_, err := p.fixtures.Put(t.Context(), p.bucket, "jwks.json", "application/json", issuer.JWKS(p.issuer.Key(issuer.EC)))
	p.must(err)
	if code, stdout, _ := p.doctor(); code != 0 || !strings.Contains(stdout, "It works although the token is signed with the key") {
		t.Errorf("code %d: %s", code, stdout)
	}
}

// Who may not look is told so, and what the exchange itself says.
func TestDoctorWithoutTheRightToLook(t *testing.T) {
	p := newPatient(t)
	stranger := p.account
	response, err := (&exchange.Client{Endpoint: p.announce.TokenEndpoint}).Exchange(t.Context(), exchange.Form(func() exchange.Token {
		token, err := p.issuer.Forge(p.claims)
		p.must(err)
		return token
	}(), stranger))
	p.must(err)
	t.Setenv("YC_TOKEN", "")
	t.Setenv("YC_IAM_TOKEN", response.AccessToken.Reveal())
	if code, stdout, stderr := p.doctor(); code != 0 || !strings.Contains(stdout, "The exchange works") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	p.claims["sub"] = "x"
	if code, stdout, stderr := p.doctor(); code != 3 || !strings.Contains(stdout, "was refused") || !strings.Contains(stderr, "why it was refused cannot be said") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}
