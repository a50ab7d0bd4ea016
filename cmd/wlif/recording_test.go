package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// A recording of a cloud that answers otherwise than the mock shows where; it shows
// nothing to a mock that has been told.
func TestARecordingShowsWhereTheMockDiffers(t *testing.T) {
	other := settings.Answer{Status: 403, Error: "access_denied", Text: "No account aje0123456789abcdefg"}
	p := newPatient(t)
	p.set(func(s *settings.Settings) { s.Guesses["exchange/service-account-unknown"] = other })
	token, err := p.issuer.Forge(p.claims)
	p.must(err)
	client := &exchange.Client{Endpoint: p.announce.TokenEndpoint}
	_, err = client.Exchange(t.Context(), exchange.Form(exchange.Token(token.Reveal()), "aje0123456789abcdefg"))
	var refusal *exchange.Refusal
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	made := report.Report{Run: report.Run{ID: "abcdefgh"}, Requirements: []report.Requirement{
		observed("exchange/sa-unknown", "an account aje0123456789abcdefg", check.ObservedOutcome, check.OutcomeRefused, check.ObservedStatus, strconv.Itoa(refusal.Status),
			check.ObservedError, refusal.Code, check.ObservedText, refusal.Description),
		observed("exchange/algorithms", "each", "RS256", "accepted", "EdDSA", "accepted", "PS256", "refused 400 invalid_request"),
		observed("exchange/repeatable", "twice", "outcome", "accepted", "id", "aje0123456789abcdefg"),
	}}
	file := filepath.Join(t.TempDir(), "facts.yaml")
	if err := writeRecording(file, made); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(raw), "aje0") || strings.Count(string(raw), "ID-1") < 3 {
		t.Errorf("an id is in it, or has no placeholder: %v\n%s", err, raw)
	}
	verify := func(set settings.Settings) (code int, said string) {
		var out bytes.Buffer
		code = explain(verifyRecording(&out, file, set), &out)
		return code, out.String()
	}
	code, said := verify(settings.Default())
	for _, want := range []string{"exchange/service-account-unknown\n  recorded  403 access_denied", "exchange/algorithms [EdDSA]\n  recorded  accepted\n  the mock  refused",
		"2 of 4 recorded behaviours", "has a row for: exchange/repeatable."} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	if code != report.ExitFailed {
		t.Errorf("code %d", code)
	}
	told := settings.Default()
	read, err := readRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	told.Guesses["exchange/service-account-unknown"] = read.Guesses["exchange/service-account-unknown"]
	told.JWKS.Algorithms = append(told.JWKS.Algorithms, "EdDSA")
	if code, said := verify(told); code != 0 || !strings.Contains(said, "0 of 4") {
		t.Errorf("code %d: %s", code, said)
	}
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	for want, text := range map[string]string{
		"records nothing":       "observed: {}\n",
		"is not what":           "facts: {}\n",
		"of another version":    "observed: {a/b: {c: {d: e}}}\nguesses: {exchange/nothing: {status: 400}}\n",
		"no such file":          "",
		"cannot unmarshal":      "observed: 3\n",
		"wlif run --record` wr": "- a\n",
	} {
		file := filepath.Join(t.TempDir(), "facts.yaml")
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if code, stdout, stderr := command(t, "mock", "--verify="+file); code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d: %s%s", want, code, stdout, stderr)
		}
	}
}
