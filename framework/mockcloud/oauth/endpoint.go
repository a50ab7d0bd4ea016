package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// Method is the endpoint's name in settings (faults) and the audit log.
const Method = "oauth/token"

// Accounts is what the exchange asks of IAM.
type Accounts interface {
	Account(id string) (*iam.ServiceAccount, bool)
	// Accounts, Federations and EveryLink are all that there are, oldest first.
	Accounts() []*iam.ServiceAccount
	Federations() []*oidc.Federation
	EveryLink() []mockiam.Link
	Unusable(account *iam.ServiceAccount) string
	Links(accountID string) []mockiam.Link
	MintFor(subject access.Subject) (token string, expires time.Time)
}

// Endpoint answers the token endpoint.
type Endpoint struct {
	k        *kernel.Kernel
	accounts Accounts
	keys     *KeySets
	// memory is of what has changed since; only some bugs look it up.
	memory *memory
}

// New makes the endpoint; key sets are fetched by way.
func New(k *kernel.Kernel, accounts Accounts, way Way) *Endpoint {
	return &Endpoint{k: k, accounts: accounts, keys: newKeySets(k, way), memory: newMemory()}
}

// reason is a refusal by its name in the table of guesses, without "exchange/".
type reason string

func (r reason) Error() string { return string(r) }

// reply is an answer: body is text, or what is marshalled to JSON.
type reply struct {
	status int
	header http.Header
	body   any
}

// ServeHTTP answers one exchange.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := audit.Entry{Time: e.k.Clock.Now(), RequestID: uuid.NewString(), Method: Method, Verdict: audit.Allowed, Run: audit.RunOf(r.UserAgent())}
	a := e.answer(r, &entry)
	entry.Code = http.StatusText(a.status)
	entry.Took = e.k.Clock.Since(entry.Time)
	e.k.Audit.Add(entry)
	maps.Copy(w.Header(), a.header)
	w.Header().Set("X-Request-Id", entry.RequestID)
	w.WriteHeader(a.status)
	if text, ok := a.body.(string); ok {
		_, _ = io.WriteString(w, text) // the client is gone: nobody to tell
		return
	}
	_ = json.NewEncoder(w).Encode(a.body) // likewise
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

func (e *Endpoint) answer(r *http.Request, entry *audit.Entry) reply {
	header := strict().answer.header
	if f, ok := e.k.Settings.Fault(Method); ok {
		err := e.k.Pause(r.Context(), time.Duration(f.Delay))
		if err == nil && f.Page {
			entry.Verdict, entry.Reason = audit.Failed, "fault"
			return reply{http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<!doctype html><title>Sign in</title>"}
		}
		if err != nil || f.Code != "" {
			entry.Verdict, entry.Reason = audit.Failed, "fault"
			status, body := faultOf(f)
			return reply{status, header, body}
		}
	}
	q := receive(r)
	p := e.policyFor(q.peek("audience"), q.peek("subject_token"))
	subject, err := e.exchange(q, p, entry)
	if err != nil {
		return e.refuse(p, q, err, entry)
	}
	token, expires := e.accounts.MintFor(subject)
	body := success{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(expires.Sub(e.k.Clock.Now()).Round(time.Second).Seconds())}
	return reply{http.StatusOK, p.answer.header, p.answer.granted(body)}
}

func (e *Endpoint) refuse(p *policy, q *request, err error, entry *audit.Entry) reply {
	var why reason
	if !errors.As(err, &why) {
		entry.Verdict, entry.Reason = audit.Failed, "error"
		e.k.Log.Error("token exchange", "error", err)
		return reply{http.StatusInternalServerError, p.answer.header, failure{Error: "server_error", Description: "Internal error"}}
	}
	entry.Verdict, entry.Reason = audit.Refused, "exchange/"+string(why)
	g := e.k.Settings.Get().Guesses[entry.Reason]
	a := reply{g.Status, p.answer.header, failure{Error: g.Error, Description: g.Text}}
	p.answer.refused(&a, why, q)
	return a
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

// exchange finds the subject that the request may act as.
func (e *Endpoint) exchange(q *request, p *policy, entry *audit.Entry) (access.Subject, error) {
	form, err := q.form(p.form)
	if err != nil {
		return access.Subject{}, err
	}
	entry.Resource = mockiam.KindServiceAccount + "/" + form.Get("audience")
	account, err := e.accountFor(q.Context(), p, form.Get("audience"), form.Get("subject_token"))
	if err != nil {
		return access.Subject{}, err
	}
	subject := p.account.holder(e, account)
	entry.Caller = subject.Type + ":" + subject.ID
	return subject, nil
}

// accountFor is the account of that id, if the token may have it.
func (e *Endpoint) accountFor(ctx context.Context, p *policy, id, rawToken string) (*iam.ServiceAccount, error) {
	if e.k.Settings.Get().PreviewDenied {
		return nil, reason("preview")
	}
	var t *token
	if !p.token.opaque(rawToken) {
		var err error
		if t, err = parseToken(rawToken, e.k.Settings.Get().JWKS.Algorithms, p); err != nil {
			return nil, err
		}
	}
	account, ok := p.account.find(e, p, id, t)
	if !ok {
		return nil, reason("service-account-unknown")
	}
	if t != nil {
		if err := e.verify(ctx, p, t, account); err != nil {
			return nil, err
		}
	}
	switch why := e.accounts.Unusable(account); why {
	case "":
		return account, nil
	case "expired":
		return account, p.or(reason("service-account-expired"))
	default:
		return account, p.or(reason("service-account-status"))
	}
}
