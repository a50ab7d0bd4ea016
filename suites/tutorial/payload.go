package tutorial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// payload is "Test the integration", step 9.
func (w *walk) payload(ctx SpecContext) {
	w.openShell(ctx)
	if !w.signedIn {
		w.prepareShell(ctx)
		shape, err := w.getToken(ctx)
		check.Prerequisite(err, "getting an IAM token")
		if shape != iamToken {
			check.Prerequisite(fmt.Errorf("the shell got %s instead of an IAM token", shape), "getting an IAM token")
		}
	}
	run.Step("getting the secret, as in get-secret.sh")
	secret, err := w.Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: w.Target.SecretID})
	check.NoError(err, "reading the secret's current version")
	want := stored{Keys: []string{provision.SecretKey}, Text: provision.SecretValue, Version: secret.GetCurrentVersion().GetId()}
	if w.Target.IsGiven(provision.StepSecret) {
		// What is in the user's secret is known to nobody here.
		want.Keys, want.Text = secret.GetCurrentVersion().GetPayloadEntryKeys(), ""
	}
	var got answer
	tried := newTries()
	Eventually(ctx, check.Poll(func(ctx context.Context) (string, error) {
		tried.count++
		got, err = w.getSecret(ctx)
		return got.String(), err
	})).WithTimeout(w.Config.Timeouts.Propagation.D()).WithPolling(run.Poll).Should(Equal(payloadOf(len(want.Keys))))
	tried.tell("get-secret.sh got a payload")
	if found := got.differences(want); len(found) > 0 {
		Fail("the payload is not what was stored: " + strings.Join(found, "; "))
	}
}

// answer is what Lockbox's REST API answers: a payload, or a google.rpc.Status.
type answer struct {
	Entries   []entry    `json:"entries"`
	VersionID string     `json:"versionId"`
	Code      codes.Code `json:"code"`
	Message   string     `json:"message"`
}

type entry struct {
	Key         string  `json:"key"`
	TextValue   *string `json:"textValue"`
	BinaryValue *string `json:"binaryValue"`
}

// stored is what the payload must be. Without Text the values are not known.
type stored struct {
	Keys          []string
	Text, Version string
}

// payloadOf is what String says of a payload with that many entries.
func payloadOf(entries int) string { return fmt.Sprintf("a payload with %d entries", entries) }

// String says of an answer what may be printed: never the payload.
func (a answer) String() string {
	if a.Code != codes.OK {
		return fmt.Sprintf("refused: %s: %s", a.Code, a.Message)
	}
	return payloadOf(len(a.Entries))
}

// differences compares field by field, without printing values.
func (a answer) differences(want stored) []string {
	var found []string
	if len(a.Entries) != len(want.Keys) {
		return []string{fmt.Sprintf("there are %d entries, not %d", len(a.Entries), len(want.Keys))}
	}
	var keys []string
	for i, got := range a.Entries {
		keys = append(keys, got.Key)
		found = append(found, got.differences(i, want.Text)...)
	}
	slices.Sort(keys)
	if stored := slices.Sorted(slices.Values(want.Keys)); !slices.Equal(keys, stored) {
		found = append(found, fmt.Sprintf("the keys are %q, not %q", keys, stored))
	}
	if a.VersionID != want.Version {
		found = append(found, fmt.Sprintf("versionId is %q, the secret's current version %q", a.VersionID, want.Version))
	}
	return found
}

// differences compares the value with the text, or if that is empty, with any value.
func (e entry) differences(i int, text string) []string {
	var found []string
	say := func(format string, args ...any) {
		found = append(found, fmt.Sprintf("entries[%d]", i)+fmt.Sprintf(format, args...))
	}
	switch {
	case text == "" && e.TextValue == nil && e.BinaryValue == nil:
		say(" has no value")
	case text == "" && e.TextValue != nil && e.BinaryValue != nil:
		say(" has two values")
	case text == "":
	case e.TextValue == nil:
		say(".textValue is missing")
	case *e.TextValue != text:
		say(".textValue is not the value that was stored (it has %d bytes, the stored one %d)", len(*e.TextValue), len(text))
	}
	if text != "" && e.BinaryValue != nil {
		say(".binaryValue is set for a text")
	}
	return found
}

// getSecret types get-secret.sh. No answer and a failing server are engine
// faults; a refused permission may be a role that is not in force yet.
func (w *walk) getSecret(ctx context.Context) (answer, error) {
	command, err := manifests.Fill(manifests.GetSecret, nil)
	if err != nil {
		return answer{}, err
	}
	result, err := w.typeIn(ctx, command)
	if err != nil {
		return answer{}, err
	}
	parsed, err := readAnswer(result)
	if errors.Is(err, errNotJSON) {
		return answer{}, w.explainNotJSON(ctx, err)
	}
	if parsed.Code != codes.OK && parsed.Code != codes.PermissionDenied {
		return parsed, StopTrying(parsed.String())
	}
	return parsed, err
}

// payloadMethod stands for what get-secret.sh calls.
const payloadMethod = "GET /lockbox/v1/secrets/{id}/payload"

var errNotJSON = errors.New("is not JSON")

// payloadStatus repeats get-secret.sh's request in the same shell and prints the
// status alone.
const payloadStatus = `curl -sS --max-time 30 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer ${IAMTOKEN}" ` +
	payloadURL + `lockbox/v1/secrets/${SECRET_ID}/payload`

// explainNotJSON asks once more, for the status: the page of a proxy whose server
// fails (5xx) or throttles (429) is not the target's answer.
func (w *walk) explainNotJSON(ctx context.Context, notJSON error) error {
	result, err := w.typeIn(ctx, payloadStatus)
	if err != nil {
		return err
	}
	return judgeNotJSON(result, notJSON)
}

func judgeNotJSON(result workload.Result, notJSON error) error {
	if result.Status != 0 {
		return noAnswer(result)
	}
	status, err := strconv.Atoi(strings.TrimSpace(result.Stdout))
	if err != nil {
		return fmt.Errorf("%w, and curl printed no HTTP status when asked again", notJSON)
	}
	notJSON = fmt.Errorf("%w; asked again, the server answers with status %d", notJSON, status)
	switch {
	case status == http.StatusTooManyRequests:
		return &cloud.Error{Method: payloadMethod, Code: codes.ResourceExhausted, Class: cloud.ClassQuota, Message: notJSON.Error()}
	case status >= http.StatusInternalServerError:
		return &cloud.Error{Method: payloadMethod, Code: codes.Unavailable, Class: cloud.ClassRetryable, Message: notJSON.Error()}
	}
	return notJSON
}

func noAnswer(result workload.Result) error {
	return &cloud.Error{Method: payloadMethod, Code: codes.Unavailable, Class: cloud.ClassTransport,
		Message: fmt.Sprintf("curl ended with code %d", result.Status)}
}

func readAnswer(result workload.Result) (answer, error) {
	if result.Status != 0 {
		return answer{}, noAnswer(result)
	}
	var parsed answer
	if err := json.Unmarshal([]byte(result.Stdout), &parsed); err != nil {
		return answer{}, fmt.Errorf("the answer of get-secret.sh %w (%d bytes)", errNotJSON, len(result.Stdout))
	}
	switch class := cloud.ClassOf(status.Error(parsed.Code, "")); class {
	case cloud.ClassTransport, cloud.ClassRetryable, cloud.ClassQuota: // of the server, or throttling
		return answer{}, &cloud.Error{Method: payloadMethod, Code: parsed.Code, Class: class, Message: parsed.Message}
	}
	return parsed, nil
}
