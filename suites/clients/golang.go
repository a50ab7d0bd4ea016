package clients

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

func goSDK(ctx SpecContext) {
	s := prepare(ctx)
	r := run.Current()
	credential, _, _ := s.credential(ctx)
	run.Step("exchanging the token in a file")
	ask(ctx, credential) // what the SDK makes of a failed exchange does not tell whose fault it is
	run.Step("connecting with the credential")
	client, err := cloud.Connect(ctx, cloud.Options{
		Endpoint: r.Config.Endpoint, RunID: r.Info.RunID, CallTimeout: r.Config.Timeouts.Call.D(), Own: credential})
	check.NoError(calling.Judged(err), "connecting with the credential")
	DeferCleanup(func(ctx SpecContext) { _ = client.Close(ctx) }, run.Limit())
	run.Step("reading a secret")
	got, err := client.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: s.secret.GetId()})
	check.NoError(calling.Judged(err), "reading a secret with the SDK")
	Expect(got.GetEntries()).To(HaveLen(1), "the payload has other entries")
	Expect(got.GetEntries()[0].GetKey()).To(Equal(calling.CanaryKey), "the payload has another key")
}

// externalAccount is the RFC 8693 client of Google's libraries, which sends
// parameters of its own (options, an empty scope).
func externalAccount(ctx SpecContext) {
	s := prepare(ctx)
	seen := &spy{}
	source, err := externalaccount.NewTokenSource(seen.within(ctx), externalaccount.Config{
		Audience: s.ServiceAccountID, SubjectTokenType: exchange.SubjectTokenType, TokenURL: run.Current().Config.TokenEndpoint,
		CredentialSource: &externalaccount.CredentialSource{File: s.projected(ctx)},
	})
	check.Prerequisite(err, "setting the external account up")
	run.Step("exchanging the token in a file")
	token, err := source.Token()
	check.NoError(seen.judged(err), "exchanging the token in a file as an external account")
	Expect(token.Expiry).To(BeTemporally(">", time.Now()), "the client takes the IAM token for one that has expired")
	s.reads(ctx, exchange.Token(token.AccessToken))
}

// later is a clock that is ahead of the real one.
type later struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (l *later) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.ahead)
}

func (l *later) Since(t time.Time) time.Duration { return l.Now().Sub(t) }

// until sets the clock.
func (l *later) until(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead = time.Until(t)
}

// ask gets an IAM token of a credential.
func ask(ctx context.Context, c *exchange.Credential) (exchange.Token, time.Time) {
	GinkgoHelper()
	token, err := c.IAMToken(ctx)
	check.NoError(err, "getting an IAM token with the token in a file")
	return exchange.Token(token.Token), token.ExpiresAt
}

// credential is one whose exchanges are seen, with a clock that can be set ahead.
func (s *stage) credential(ctx context.Context) (*exchange.Credential, *later, *spy) {
	GinkgoHelper()
	clock, seen := &later{}, &spy{}
	client := run.Current().Exchange()
	client.HTTP = &http.Client{Transport: seen}
	return &exchange.Credential{TokenFile: s.projected(ctx), ServiceAccountID: s.ServiceAccountID, Client: client, Clock: clock,
		Timeout: run.Current().Config.Timeouts.Exchange.D()}, clock, seen
}

// fileRotation sets the client's clock ahead, so that it asks again at once; the
// token that it must find then is one that was just made.
func fileRotation(ctx SpecContext) {
	s := prepare(ctx)
	credential, clock, seen := s.credential(ctx)
	run.Step("exchanging the token in a file")
	_, renewal := ask(ctx, credential)
	former := exchange.Token(seen.last())
	run.Step("replacing the token in the file")
	next := s.Token(ctx)
	project(credential.TokenFile, next)
	clock.until(renewal)
	run.Step("exchanging the new token")
	token, _ := ask(ctx, credential)
	Expect(seen.which(map[string]exchange.Token{"the former token": former, "the token in the file": next})).To(Equal("the token in the file"), "what the client exchanged")
	s.reads(ctx, token)
}

func tokenRefresh(ctx SpecContext) {
	s := prepare(ctx)
	credential, clock, seen := s.credential(ctx)
	first, renewal := ask(ctx, credential)
	run.Step("a second before " + renewal.UTC().Format(time.RFC3339) + " the IAM token is kept")
	clock.until(renewal.Add(-time.Second))
	ask(ctx, credential)
	Expect(seen.count()).To(Equal(1), "the client exchanged again although its IAM token was good for a while yet")
	run.Step("then it is replaced")
	clock.until(renewal)
	second, next := ask(ctx, credential)
	Expect(seen.count()).To(Equal(2), "the client did not exchange again")
	Expect(next).To(BeTemporally(">", renewal), "the second IAM token is no longer good than the first")
	s.reads(ctx, second)
	run.Step("the first IAM token has not ended: the new one was there in time")
	s.reads(ctx, first)
}

// spy lets requests through, and knows the subject tokens and the last answer.
type spy struct {
	mu       sync.Mutex
	subjects []string
	status   int
}

// RoundTrip makes the request.
func (s *spy) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subjects = append(s.subjects, form.Get("subject_token"))
	if err == nil {
		s.status = answer.StatusCode
	}
	return answer, err
}

func (s *spy) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subjects)
}

func (s *spy) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.subjects) == 0 {
		return ""
	}
	return strings.TrimSpace(s.subjects[len(s.subjects)-1])
}

// which names the token that was exchanged last: a failure must not show one.
func (s *spy) which(known map[string]exchange.Token) string {
	for name, token := range known {
		if token.Reveal() == s.last() {
			return name
		}
	}
	return "another token"
}

// within makes clients of golang.org/x/oauth2 send their requests this way.
func (s *spy) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: s, Timeout: run.Current().Config.Timeouts.Exchange.D()})
}

// judged makes an error of a client that does not tell a failing server from a
// refusal one that does.
func (s *spy) judged(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		return nil
	case s.status == 0:
		return &exchange.TransportError{Endpoint: run.Current().Config.TokenEndpoint, Err: err}
	case s.status >= http.StatusInternalServerError, s.status == http.StatusTooManyRequests:
		return &exchange.ServerError{Status: s.status}
	}
	return err
}
