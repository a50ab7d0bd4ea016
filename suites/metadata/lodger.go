package metadata

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

// What the tutorial of 2026 types in the pod, less jq, which would hide a refusal.
const (
	tokenAddress = "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"
	flavored     = `-H 'Metadata-Flavor: Google' `
	get          = `curl -sS --max-time 20 -w '\n%{http_code}' `
)

// lodger is a pod of a Kubernetes service account of its own.
type lodger struct {
	*signing.Pod
	// accountID is the IAM service account that the Kubernetes service account names.
	accountID string
}

// trait is what a lodger's service account has.
type trait int

const (
	named  trait = iota // it names an IAM service account
	linked              // that is linked to it
)

// lodge runs a pod in the namespace of an account.
func lodge(ctx context.Context, world *signing.Account, traits ...trait) *lodger {
	GinkgoHelper()
	f := run.Current().Fixtures()
	account := *world
	account.Name = "lodger-" + strings.ToLower(rand.Text()[:8])
	l := &lodger{}
	object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account.Name, Namespace: account.Namespace}}
	switch {
	case slices.Contains(traits, linked):
		l.accountID = signing.Unready(ctx, f, &account, provision.FederationSpec{Issuer: account.Of.Issuer, JWKSURL: account.Of.JWKSURL, Audiences: []string{account.Of.Issuer}}).ServiceAccountID
	case slices.Contains(traits, named):
		var err error
		l.accountID, err = f.ServiceAccount(ctx, "unlinked", "")
		check.Prerequisite(err, "making a service account for the check")
	}
	if slices.Contains(traits, named) {
		object.Annotations = map[string]string{diagnose.Annotation: l.accountID}
	}
	check.Prerequisite(account.Cluster.Resources.Create(ctx, object), "creating a Kubernetes service account for the check")
	DeferCleanup(func(ctx SpecContext) {
		check.Prerequisite(workload.Delete(ctx, account.Cluster, object, 0), "deleting the check's Kubernetes service account")
	}, run.Limit(run.Current().Config.Timeouts.Delete.D()))
	l.Pod = account.Run(ctx, nil)
	return l
}

// answer is what the metadata address said.
type answer struct {
	status int
	token  exchange.Token
}

func (a answer) code() string { return strconv.Itoa(a.status) }

// outcome says of it what may be printed.
func (a answer) outcome() string {
	if a.token != "" {
		return check.OutcomeAccepted
	}
	return check.OutcomeRefused
}

// asked is one request of the pod; header is an argument of curl. No answer and a failing
// server are engine faults.
func (l *lodger) asked(ctx context.Context, header string) (answer, error) {
	result, err := l.Type(ctx, get+header+tokenAddress)
	if err != nil {
		return answer{}, err
	}
	return read(result)
}

func read(result workload.Result) (answer, error) {
	if result.Status != 0 {
		return answer{}, &exchange.TransportError{Endpoint: tokenAddress, Err: fmt.Errorf("curl ended with code %d: %s", result.Status, check.OneLine(result.Stderr))}
	}
	cut := strings.LastIndexByte(strings.TrimRight(result.Stdout, "\n"), '\n')
	status, err := strconv.Atoi(strings.TrimSpace(result.Stdout[cut+1:]))
	if err != nil {
		return answer{}, fmt.Errorf("curl printed no HTTP status: %d bytes", len(result.Stdout))
	}
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return answer{}, &exchange.ServerError{Status: status}
	}
	var body struct {
		AccessToken string `json:"access_token"`
	}
	// What is no JSON has no token.
	_ = json.Unmarshal([]byte(result.Stdout[:max(cut, 0)]), &body)
	return answer{status, exchange.Token(body.AccessToken)}, nil
}

// asks is asked once, by a check that waits for nothing.
func (l *lodger) asks(ctx context.Context, header string) answer {
	GinkgoHelper()
	run.Step("asking the metadata address in a pod")
	got, err := l.asked(ctx, header)
	check.NoError(err, "asking the metadata address in a pod")
	return got
}

// settles waits until the pod gets a token: the link may not be in force yet.
func (l *lodger) settles(ctx context.Context) exchange.Token {
	GinkgoHelper()
	run.Step("asking the metadata address in a pod")
	var got answer
	Eventually(ctx, check.Poll(func(ctx context.Context) (string, error) {
		var err error
		got, err = l.asked(ctx, flavored)
		return got.outcome() + " with status " + got.code(), err
	})).WithTimeout(run.Current().Config.Timeouts.Propagation.D()).WithPolling(run.Poll).
		Should(Equal(check.OutcomeAccepted+" with status 200"), "the pod gets no IAM token")
	return got.token
}

// twin is settles for a check of something else.
func (l *lodger) twin(ctx context.Context) (token exchange.Token) {
	GinkgoHelper()
	failure := InterceptGomegaFailure(func() { token = l.settles(ctx) })
	check.Prerequisite(failure, "the twin, a pod that names an account which is linked to it")
	return token
}

// getsNothing demands a refusal.
func (l *lodger) getsNothing(ctx context.Context, header, changed string) {
	GinkgoHelper()
	run.Step("refused: " + changed)
	got := l.asks(ctx, header)
	if got.token != "" {
		Fail("the pod got an IAM token, although " + changed)
	}
	if got.status < http.StatusBadRequest {
		Fail(fmt.Sprintf("the answer has status %d, which is no refusal, although %s", got.status, changed))
	}
}
