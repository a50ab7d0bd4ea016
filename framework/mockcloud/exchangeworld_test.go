package mockcloud

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	// The mock verifies with go-jose, so its tests sign with another library.
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

const (
	testIssuer  = "https://issuer.example.com/clusters/one"
	testSubject = "system:serviceaccount:default:wlif"
)

// exchangeWorld is a federation with a linked service account, and the issuer's
// side: keys and the server of their JWKS.
type exchangeWorld struct {
	*testing.T
	cloud      *Cloud
	conn       *grpc.ClientConn
	http       *http.Client
	rsa        *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
	jwks       atomic.Pointer[http.HandlerFunc]
	fetches    atomic.Int32
	jwksURL    string
	account    *iam.ServiceAccount
	other      *iam.ServiceAccount
	federation *oidc.Federation
	credential *workload.FederatedCredential
}

var testKey, testECKey = func() (*rsa.PrivateKey, *ecdsa.PrivateKey) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return r, e
}()

func newExchangeWorld(t *testing.T) *exchangeWorld { return newExchangeWorldOn(t, start(t)) }

func newExchangeWorldOn(t *testing.T, c *Cloud) *exchangeWorld {
	w := &exchangeWorld{T: t, cloud: c, rsa: testKey, ec: testECKey}
	w.cloud.Settings().Change(func(s *settings.Settings) {
		s.JWKS.RefetchEvery = 0
		s.JWKS.Timeout = settings.Duration(200 * time.Millisecond)
	})
	w.conn = w.cloud.as(t, w.cloud.World().Owner)
	w.http = w.cloud.client()
	w.serveJWKS()
	ctx, folder := t.Context(), w.cloud.World().FolderID
	accounts := iam.NewServiceAccountServiceClient(w.conn)
	op, err := accounts.Create(ctx, &iam.CreateServiceAccountRequest{FolderId: folder, Name: "sa-lockbox"})
	w.account = must[*iam.ServiceAccount](t, op, err)
	op, err = accounts.Create(ctx, &iam.CreateServiceAccountRequest{FolderId: folder, Name: "sa-other"})
	w.other = must[*iam.ServiceAccount](t, op, err)
	op, err = oidc.NewFederationServiceClient(w.conn).Create(ctx, &oidc.CreateFederationRequest{FolderId: folder, Name: "test-iam-federation",
		Issuer: testIssuer, Audiences: []string{testIssuer}, JwksUrl: w.jwksURL})
	w.federation = must[*oidc.Federation](t, op, err)
	op, err = workload.NewFederatedCredentialServiceClient(w.conn).Create(ctx, &workload.CreateFederatedCredentialRequest{
		ServiceAccountId: w.account.Id, FederationId: w.federation.Id, ExternalSubjectId: testSubject})
	w.credential = must[*workload.FederatedCredential](t, op, err)
	return w
}

func (w *exchangeWorld) serveJWKS() {
	set := jwk.NewSet()
	for kid, public := range map[string]any{"rsa-1": &w.rsa.PublicKey, "ec-1": &w.ec.PublicKey} {
		key, err := jwk.Import(public)
		if err != nil {
			w.Fatal(err)
		}
		for name, value := range map[string]string{jwk.KeyIDKey: kid, jwk.KeyUsageKey: "sig"} {
			if err := key.Set(name, value); err != nil {
				w.Fatal(err)
			}
		}
		if err := set.AddKey(key); err != nil {
			w.Fatal(err)
		}
	}
	raw, err := json.Marshal(set)
	if err != nil {
		w.Fatal(err)
	}
	w.publish(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(raw) })
	// httptest would present a certificate of its own.
	listener, err := tls.Listen("tcp", "127.0.0.1:0", w.cloud.authority.TLS())
	if err != nil {
		w.Fatal(err)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fetches.Add(1)
		(*w.jwks.Load())(rw, r)
	})}
	go func() { _ = server.Serve(listener) }()
	w.Cleanup(func() { _ = server.Close() })
	w.jwksURL = "https://" + listener.Addr().String() + "/jwks.json"
}

func (w *exchangeWorld) publish(h http.HandlerFunc) { w.jwks.Store(&h) }

type claims map[string]any

func (w *exchangeWorld) claims() claims {
	now := w.cloud.clock.Now()
	return claims{"iss": testIssuer, "aud": []string{testIssuer}, "sub": testSubject,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix()}
}

type header map[string]any

// sign makes a token with any header, signed by the library as the algorithm says.
func (w *exchangeWorld) sign(h header, c any, alg jwa.SignatureAlgorithm, key any) string {
	payload, err := json.Marshal(c)
	if err != nil {
		w.Fatal(err)
	}
	hdr := jws.NewHeaders()
	for k, v := range h {
		if k == "alg" {
			continue
		}
		if err := hdr.Set(k, v); err != nil {
			w.Fatal(err)
		}
	}
	signed, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(hdr)))
	if err != nil {
		w.Fatal(err)
	}
	return string(signed)
}

func (w *exchangeWorld) rs256(c any) string {
	return w.sign(header{"kid": "rsa-1"}, c, jwa.RS256(), w.rsa)
}

func with(c claims, name string, value any) claims {
	c = maps.Clone(c)
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

var b64 = base64.RawURLEncoding

// raw makes a token by hand, for what a library refuses to make.
func raw(t *testing.T, h, c any, sign func(input string) []byte) string {
	t.Helper()
	hj, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	cj, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	input := b64.EncodeToString(hj) + "." + b64.EncodeToString(cj)
	return input + "." + b64.EncodeToString(sign(input))
}

func (w *exchangeWorld) rsaSignature(input string) []byte {
	sum := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, w.rsa, crypto.SHA256, sum[:])
	if err != nil {
		w.Fatal(err)
	}
	return sig
}

func (w *exchangeWorld) form(token string) url.Values {
	return url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"audience": {w.account.Id}, "subject_token": {token}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"},
	}
}

type answer struct {
	Status      int
	Header      http.Header
	Body        []byte
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (w *exchangeWorld) do(method, contentType, body string) answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.cloud.Announcement().TokenEndpoint, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := w.http.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		w.Fatal(err)
	}
	if err := json.Unmarshal(a.Body, &a); err != nil {
		w.Fatalf("status %d, no JSON: %v", a.Status, err)
	}
	return a
}

func (w *exchangeWorld) post(form url.Values) answer {
	w.Helper()
	return w.do(http.MethodPost, "application/x-www-form-urlencoded", form.Encode())
}

func (w *exchangeWorld) reason(a answer) string {
	w.Helper()
	e, ok := w.cloud.Audit().ByRequest(a.Header.Get("X-Request-Id"))
	if !ok {
		w.Fatal("the audit log does not know the request id of the answer")
	}
	if (e.Verdict == audit.Allowed) != (a.Status == http.StatusOK) {
		w.Errorf("the audit log says %s of an answer %d", e.Verdict, a.Status)
	}
	return e.Reason
}

func (w *exchangeWorld) mustPass(what, token string) {
	w.Helper()
	a := w.post(w.form(token))
	if a.Status != http.StatusOK {
		w.Fatalf("%s: status %d, reason %q; want 200", what, a.Status, w.reason(a))
	}
	if a.TokenType != "Bearer" || a.ExpiresIn != 43200 || !strings.HasPrefix(a.AccessToken, "t1.") {
		w.Errorf("%s: token_type %q, expires_in %d", what, a.TokenType, a.ExpiresIn)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		w.Errorf("%s: Cache-Control %q", what, a.Header.Get("Cache-Control"))
	}
}

func (w *exchangeWorld) mustRefuse(a answer, token, why string) {
	w.Helper()
	if got := w.reason(a); got != "exchange/"+why {
		w.Errorf("audited reason %q, want %q", got, "exchange/"+why)
	}
	if a.Status < 400 || a.Status > 499 || a.Error == "" || a.Description == "" || a.AccessToken != "" {
		w.Errorf("status %d, error %q, description %q, token present %v: not the shape of a refusal", a.Status, a.Error, a.Description, a.AccessToken != "")
	}
	if token != "" && strings.Contains(string(a.Body), token) {
		w.Error("the refusal echoes the subject token")
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	rawJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return rawJSON
}
