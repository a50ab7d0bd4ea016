package oauth

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// Method is the endpoint's name in settings (faults) and the audit log.
const Method = "oauth/token"

// The fixed values of the request (docs: "Exchange a JWT for an IAM token").
const (
	grantType          = "urn:ietf:params:oauth:grant-type:token-exchange"
	requestedTokenType = "urn:ietf:params:oauth:token-type:access_token"
	subjectTokenType   = "urn:ietf:params:oauth:token-type:id_token"
)

// maxBody bounds a request; a subject token is a few kilobytes.
const maxBody = 64 << 10

// Accounts is what the exchange asks of IAM.
type Accounts interface {
	Account(id string) (*iam.ServiceAccount, bool)
	Unusable(account *iam.ServiceAccount) string
	Links(accountID string) []mockiam.Link
	MintFor(subject access.Subject) (token string, expires time.Time)
}

// Endpoint answers the token endpoint.
type Endpoint struct {
	k        *kernel.Kernel
	accounts Accounts
	keys     *KeySets
}

// New makes the endpoint; client fetches key sets.
func New(k *kernel.Kernel, accounts Accounts, client *http.Client) *Endpoint {
	return &Endpoint{k: k, accounts: accounts, keys: newKeySets(k, client)}
}

// reason is a refusal by its name in the table of guesses, without "exchange/".
type reason string

func (r reason) Error() string { return string(r) }

// ServeHTTP answers one exchange.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := audit.Entry{Time: e.k.Clock.Now(), RequestID: uuid.NewString(), Method: Method, Verdict: audit.Allowed, Run: audit.RunOf(r.UserAgent())}
	w.Header().Set("X-Request-Id", entry.RequestID)
	w.Header().Set("Content-Type", "application/json")
	// RFC 6749 5.1 asks for this on every answer with a token.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")

	status, body := e.answer(r, &entry)
	entry.Code = http.StatusText(status)
	entry.Took = e.k.Clock.Since(entry.Time)
	e.k.Audit.Add(entry)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}

type success struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
}

type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (e *Endpoint) answer(r *http.Request, entry *audit.Entry) (int, any) {
	if f, ok := e.k.Settings.Fault(Method); ok {
		if err := e.k.Pause(r.Context(), time.Duration(f.Delay)); err != nil || f.Code != "" {
			entry.Verdict, entry.Reason = audit.Failed, "fault"
			return faultOf(f)
		}
	}
	subject, err := e.exchange(r, entry)
	if err != nil {
		var why reason
		if !errors.As(err, &why) {
			entry.Verdict, entry.Reason = audit.Failed, "error"
			e.k.Log.Error("token exchange", "error", err)
			return http.StatusInternalServerError, failure{Error: "server_error", Description: "Internal error"}
		}
		entry.Verdict, entry.Reason = audit.Refused, "exchange/"+string(why)
		g := e.k.Settings.Get().Guesses[entry.Reason]
		return g.Status, failure{Error: g.Error, Description: g.Text}
	}
	token, expires := e.accounts.MintFor(subject)
	return http.StatusOK, success{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(expires.Sub(e.k.Clock.Now()).Round(time.Second).Seconds())}
}

// faultOf is the answer of a fault: the HTTP status that its gRPC code has in REST,
// with the error of RFC 6749 5.2 for a 4xx, of 4.1.2.1 for the rest.
func faultOf(f settings.Fault) (int, failure) {
	status, name := runtime.HTTPStatusFromCode(kernel.Code(f.Code)), "server_error"
	switch {
	case status == http.StatusServiceUnavailable:
		name = "temporarily_unavailable"
	case status < http.StatusInternalServerError:
		name = "invalid_request"
	}
	return status, failure{Error: name, Description: f.Message}
}

// exchange finds the service account that the request may act as.
func (e *Endpoint) exchange(r *http.Request, entry *audit.Entry) (access.Subject, error) {
	form, err := readForm(r)
	if err != nil {
		return access.Subject{}, err
	}
	entry.Resource = mockiam.KindServiceAccount + "/" + form.Get("audience")
	if e.k.Settings.Get().PreviewDenied {
		return access.Subject{}, reason("preview")
	}
	token, err := parseToken(form.Get("subject_token"), e.k.Settings.Get().JWKS.Algorithms)
	if err != nil {
		return access.Subject{}, err
	}
	account, ok := e.accounts.Account(form.Get("audience"))
	if !ok {
		return access.Subject{}, reason("service-account-unknown")
	}
	if err := e.verify(r.Context(), token, account); err != nil {
		return access.Subject{}, err
	}
	subject := access.Subject{Type: access.ServiceAccount, ID: account.Id}
	entry.Caller = subject.Type + ":" + subject.ID
	return subject, nil
}

// required are the parameters and the one value that some of them have.
var required = []struct {
	name, value string
	wrong       reason
}{
	{"grant_type", grantType, "grant-type"},
	{"requested_token_type", requestedTokenType, "requested-token-type"},
	{"audience", "", ""},
	{"subject_token", "", ""},
	{"subject_token_type", subjectTokenType, "subject-token-type"},
}

// readForm: "Parameters sent without a value MUST be treated as if they were
// omitted ... parameters MUST NOT be included more than once" (RFC 6749 3.2).
func readForm(r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, reason("method")
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		return nil, reason("content-type")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, reason("token-too-large")
		}
		return nil, reason("malformed-body")
	}
	for _, p := range required {
		values := r.PostForm[p.name]
		switch {
		case len(values) > 1:
			return nil, reason("parameter-twice")
		case len(values) == 0 || values[0] == "":
			return nil, reason("parameter-missing")
		case p.value != "" && values[0] != p.value:
			return nil, p.wrong
		}
	}
	return r.PostForm, nil
}
