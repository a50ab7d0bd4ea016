package mockcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	operationpb "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	ycsdk "github.com/yandex-cloud/go-sdk/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	iamsdk "github.com/yandex-cloud/go-sdk/v2/services/iam/v1"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// The mock is only worth something if clients that others wrote believe in it.

const sdkProcess = "MOCKCLOUD_TEST_SDK"

// TestMain is also the go-sdk client: Go reads SSL_CERT_FILE once in a process,
// so a client with the mock's CA needs a process of its own, as the suite has.
func TestMain(m *testing.M) {
	if os.Getenv(sdkProcess) == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) //nolint:forbidigo // a process of its own
	defer cancel()
	if err := callWithSDK(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // the process ends, and the timer with it
	}
	os.Exit(0)
}

func callWithSDK(ctx context.Context) error {
	//nolint:staticcheck // YC_TOKEN may be an OAuth token for as long as the cloud takes them
	sdk, err := ycsdk.Build(ctx, options.WithCredentials(credentials.OAuthToken(os.Getenv("YC_TOKEN"))), options.WithDiscoveryEndpoint(os.Getenv("YC_ENDPOINT")))
	if err != nil {
		return err
	}
	op, err := iamsdk.NewServiceAccountClient(sdk).Create(ctx, &iam.CreateServiceAccountRequest{FolderId: os.Getenv("YC_FOLDER_ID"), Name: "made-by-the-sdk"})
	if err != nil {
		return err
	}
	account, err := op.Wait(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{"id": account.GetId(), "name": account.GetName()})
}

func TestGoSDK(t *testing.T) {
	c := start(t, func(o *Options) {
		o.Settings.Latencies["*"] = settings.Duration(50 * time.Millisecond)
	})
	a := c.Announcement()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), sdkProcess+"=1", "SSL_CERT_FILE="+a.CABundle, "YC_TOKEN="+c.userToken, "YC_ENDPOINT="+a.Endpoint, "YC_FOLDER_ID="+a.FolderID)
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, failed.String())
	}
	var made struct{ ID, Name string }
	if err := json.Unmarshal(out.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	got, ok := c.iam.Account(made.ID)
	if !ok || got.Name != "made-by-the-sdk" || got.FolderId != a.FolderID {
		t.Errorf("the SDK made %+v, the mock has %v", made, got)
	}
}

// sdkv1Variable has the path of the client with the first version of the SDK: `make
// test-sdkv1` builds it, which takes minutes.
const sdkv1Variable = "WLIF_SDKV1"

// TestGoSDKv1: a client with the first version of the SDK makes, reads and deletes.
func TestGoSDKv1(t *testing.T) {
	program := os.Getenv(sdkv1Variable)
	if program == "" {
		t.Skip("it compiles another SDK: `make test-sdkv1` runs it")
	}
	c := start(t, func(o *Options) {
		o.Settings.Latencies["*"] = settings.Duration(50 * time.Millisecond)
	})
	a := c.Announcement()
	before := c.Inventory()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+a.CABundle, "YC_TOKEN="+c.userToken, "YC_ENDPOINT="+a.Endpoint, "YC_FOLDER_ID="+a.FolderID)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "ok\n" {
		t.Fatalf("%v: %s", err, out)
	}
	var calls []string
	for _, e := range c.Audit().Entries(func(e audit.Entry) bool { return e.Verdict == audit.Allowed }) {
		calls = append(calls, strings.TrimPrefix(e.Method, "yandex.cloud."))
	}
	slices.Sort(calls)
	if known, err := KnownDrivers(); err != nil || !slices.Equal(slices.Compact(calls), known.GoSDKv1) {
		t.Errorf("it called\n%v\nand drivers.yaml has\n%v (%v)", slices.Compact(calls), known.GoSDKv1, err)
	}
	if after := c.Inventory(); !slices.EqualFunc(after, before, func(a, b state.Meta) bool { return a.ID == b.ID }) {
		t.Errorf("it left %v, before there was %v", after, before)
	}
}

// linked is an exchange world whose account may read a secret.
func linked(t *testing.T) (*exchangeWorld, *lockbox.Secret) {
	w := newExchangeWorld(t)
	op, err := lockbox.NewSecretServiceClient(w.conn).Create(t.Context(), &lockbox.CreateSecretRequest{FolderId: w.cloud.World().FolderID, Name: "MY_SECRET",
		VersionPayloadEntries: []*lockbox.PayloadEntryChange{{Key: "test-secret", Value: &lockbox.PayloadEntryChange_TextValue{TextValue: "hello-world"}}}})
	return w, must[*lockbox.Secret](t, op, err)
}

// TestCurl runs the tutorial's own two curl commands; only where the real names
// lead is said beside them.
func TestCurl(t *testing.T) {
	w, secret := linked(t)
	w.grantPayloadViewer()
	dir := t.TempDir()
	script := `set -e
curl() { command curl --cacert "$CA" --connect-to "auth.yandex.cloud:443:$MOCK" --connect-to "payload.lockbox.api.cloud.yandex.net:443:$MOCK" "$@"; }
IAMTOKEN=$(curl -sH "Content-Type: application/x-www-form-urlencoded" \
  -d "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&requested_token_type=urn:ietf:params:oauth:token-type:access_token&audience=${SA_ID}&subject_token=${SA_TOKEN}&subject_token_type=urn:ietf:params:oauth:token-type:id_token" \
  -X POST https://auth.yandex.cloud/oauth/token | sed -e 's/.*"access_token":"//' -e 's/".*//')
curl -sH "Authorization: Bearer ${IAMTOKEN}" \
  "https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/${SECRET_ID}/payload"
`
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CA=" + w.cloud.Announcement().CAFile, "MOCK=" + w.cloud.Announcement().Endpoint,
		"SA_ID=" + w.account.Id, "SECRET_ID=" + secret.Id, "SA_TOKEN=" + w.rs256(w.claims())}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var payload struct {
		Entries []struct {
			Key       string `json:"key"`
			TextValue string `json:"textValue"`
		} `json:"entries"`
		VersionID string `json:"versionId"`
	}
	if err := json.Unmarshal(out, &payload); err != nil {
		t.Fatal(err)
	}
	if len(payload.Entries) != 1 || payload.Entries[0].Key != "test-secret" || payload.Entries[0].TextValue != "hello-world" || payload.VersionID != secret.CurrentVersion.Id {
		t.Errorf("%d entries, version %q; want the one of the tutorial, version %q", len(payload.Entries), payload.VersionID, secret.CurrentVersion.Id)
	}
}

func (w *exchangeWorld) grantPayloadViewer() {
	w.Helper()
	if err := w.cloud.grant(onFolder(w.cloud.World().FolderID), access.Subject{Type: access.ServiceAccount, ID: w.account.Id}, "lockbox.payloadViewer"); err != nil {
		w.Fatal(err)
	}
}

type suppliedToken string

func (s suppliedToken) SubjectToken(context.Context, externalaccount.SupplierOptions) (string, error) {
	return string(s), nil
}

// TestExternalAccount: the RFC 8693 client of golang.org/x/oauth2, which sends a
// scope and options that the real documentation knows nothing of.
func TestExternalAccount(t *testing.T) {
	w, _ := linked(t)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, w.http)
	source, err := externalaccount.NewTokenSource(ctx, externalaccount.Config{
		Audience: w.account.Id, SubjectTokenType: "urn:ietf:params:oauth:token-type:id_token", Scopes: []string{"any"},
		TokenURL: w.cloud.Announcement().TokenEndpoint, SubjectTokenSupplier: suppliedToken(w.rs256(w.claims())),
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	if subject, err := w.cloud.kernel.Tokens.Read(token.AccessToken, w.cloud.clock.Now()); err != nil || subject.ID != w.account.Id {
		t.Errorf("the token is of %v (%v), want %s", subject, err, w.account.Id)
	}
}

// TestOIDCLibrary: go-oidc verifies a token with the key set that storage serves
// under the real name.
func TestOIDCLibrary(t *testing.T) {
	w := newExchangeWorld(t)
	client := w.cloud.realNames()
	const keysURL = "https://storage.yandexcloud.net/mk8s-oidc/test/jwks.json"
	resp, err := w.http.Get(w.jwksURL) //nolint:noctx // a local server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var set bytes.Buffer
	if _, err := set.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := w.cloud.publisher.Publish("mk8s-oidc", "test/jwks.json", "application/json", set.Bytes()); err != nil {
		t.Fatal(err)
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(t.Context(), client), keysURL)
	verifier := oidc.NewVerifier(testIssuer, keys, &oidc.Config{ClientID: testIssuer})
	token, err := verifier.Verify(t.Context(), w.rs256(w.claims()))
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject != testSubject {
		t.Errorf("subject %q", token.Subject)
	}
	if _, err := verifier.Verify(t.Context(), w.sign(header{"kid": "rsa-9"}, w.claims(), jwa.RS256(), w.rsa)); err == nil {
		t.Error("an unknown kid was accepted")
	}
}

// realNames is a client that finds the real host names at the mock.
func (c *Cloud) realNames() *http.Client {
	client := c.client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.api.Addr().String())
	}
	return client
}

// TestDiscovery: the addresses are the mock's own, on one page, in gRPC and REST.
func TestDiscovery(t *testing.T) {
	c := start(t)
	list, err := endpoint.NewApiEndpointServiceClient(c.as(t, c.World().Owner)).List(t.Context(), &endpoint.ListApiEndpointsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if list.NextPageToken != "" {
		t.Error("discovery has a second page, which the SDKs never read")
	}
	resp, err := c.client().Get("https://" + c.Announcement().Endpoint + "/endpoints") //nolint:noctx // a local server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body struct {
		Endpoints []struct{ ID, Address string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if len(body.Endpoints) != len(list.Endpoints) || len(body.Endpoints) == 0 {
		t.Errorf("%d endpoints over REST, %d over gRPC", len(body.Endpoints), len(list.Endpoints))
	}
	for _, e := range list.Endpoints {
		if !strings.HasPrefix(e.Address, "127.0.0.1:") {
			t.Errorf("%s is at %s", e.Id, e.Address)
		}
	}
}

// Who found the mock under a real name goes on under real names: its own addresses are
// out of reach in a pod.
func TestDiscoveryUnderRealNames(t *testing.T) {
	c := start(t)
	conn := c.as(t, c.World().Owner, grpc.WithAuthority("api.cloud.yandex.net:443"))
	got, err := endpoint.NewApiEndpointServiceClient(conn).Get(t.Context(), &endpoint.GetApiEndpointRequest{ApiEndpointId: "iam"})
	if err != nil || got.Address != "iam.api.cloud.yandex.net:443" {
		t.Errorf("%v (%v)", got, err)
	}
	answer, err := c.realNames().Get("https://api.cloud.yandex.net/endpoints/iam") //nolint:noctx // a local server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), `"iam.api.cloud.yandex.net:443"`) {
		t.Errorf("%s (%v)", body, err)
	}
}

// TestOperationsOverREST: an operation is done later, and says so.
func TestOperationsOverREST(t *testing.T) {
	c := start(t, func(o *Options) {
		o.Settings.Latencies["yandex.cloud.iam.v1.ServiceAccountService/Create"] = settings.Duration(time.Hour)
		o.Settings.PollInterval = settings.Duration(3 * time.Second)
	})
	conn := c.as(t, c.World().Owner)
	op, err := iam.NewServiceAccountServiceClient(conn).Create(t.Context(), &iam.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "slow"})
	if err != nil || op.Done {
		t.Fatalf("done %v, error %v", op.GetDone(), err)
	}
	got, err := operationpb.NewOperationServiceClient(conn).Get(t.Context(), &operationpb.GetOperationRequest{OperationId: op.Id})
	if err != nil || got.Done {
		t.Fatalf("done %v, error %v", got.GetDone(), err)
	}
	u := url.URL{Scheme: "https", Host: c.Announcement().Endpoint, Path: "/operations/" + op.Id}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.kernel.Tokens.Mint(c.World().Owner, c.clock.Now().Add(time.Hour)))
	resp, err := c.client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Operation-Poll-Interval") != "3" || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("status %d, poll interval %q, request id %q", resp.StatusCode, resp.Header.Get("X-Operation-Poll-Interval"), resp.Header.Get("X-Request-Id"))
	}
}
