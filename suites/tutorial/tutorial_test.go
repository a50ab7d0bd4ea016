package tutorial

import (
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/framework/workload/workloadtest"
	"github.com/wlif-conformance/wlif-conformance/manifests"
)

func text(s string) *string { return &s }

func TestPayloadIsComparedFieldByField(t *testing.T) {
	want := stored{Keys: []string{"test-secret"}, Text: "hello-world", Version: "e6q1"}
	good := func() answer {
		return answer{Entries: []entry{{Key: "test-secret", TextValue: text("hello-world")}}, VersionID: "e6q1"}
	}
	if found := good().differences(want); len(found) != 0 {
		t.Errorf("differences of the payload itself: %q", found)
	}
	for name, spoil := range map[string]func(*answer){
		"entries":     func(a *answer) { a.Entries = append(a.Entries, a.Entries[0]) },
		"key":         func(a *answer) { a.Entries[0].Key = "other" },
		"not the val": func(a *answer) { a.Entries[0].TextValue = text("canary-value") },
		"missing":     func(a *answer) { a.Entries[0].TextValue = nil },
		"binaryValue": func(a *answer) { a.Entries[0].BinaryValue = text("eA==") },
		"versionId":   func(a *answer) { a.VersionID = "" },
	} {
		bad := good()
		spoil(&bad)
		found := bad.differences(want)
		if len(found) != 1 || !strings.Contains(found[0], name) || strings.Contains(found[0], "canary") {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// Of a secret of the user's only the keys are known.
func TestDifferencesFromAnUnknownPayload(t *testing.T) {
	text := func(s string) *string { return &s }
	want := stored{Keys: []string{"b", "a"}, Version: "e6q1"}
	good := answer{VersionID: "e6q1", Entries: []entry{{Key: "a", TextValue: text("canary-1")}, {Key: "b", BinaryValue: text("canary-2")}}}
	if found := good.differences(want); len(found) != 0 {
		t.Errorf("differences of the payload itself: %q", found)
	}
	for wrong, entries := range map[string][]entry{
		"there are 1 entries": {{Key: "a", TextValue: text("")}},
		`["a" "c"]`:           {{Key: "a", TextValue: text("")}, {Key: "c", TextValue: text("")}},
		`["a" "a"]`:           {{Key: "a", TextValue: text("")}, {Key: "a", TextValue: text("")}},
		"no value":            {{Key: "a"}, {Key: "b", TextValue: text("")}},
		"two values":          {{Key: "a", TextValue: text("canary"), BinaryValue: text("canary")}, {Key: "b", TextValue: text("")}},
	} {
		found := answer{VersionID: "e6q1", Entries: entries}.differences(want)
		if len(found) != 1 || !strings.Contains(found[0], wrong) || strings.Contains(found[0], "canary") {
			t.Errorf("%s: %q", wrong, found)
		}
	}
}

func TestAnswersOfGetSecret(t *testing.T) {
	for _, tc := range []struct {
		name   string
		result workload.Result
		shown  string
		class  cloud.Class
	}{
		{"a payload", workload.Result{Stdout: `{"entries":[{"key":"k","textValue":"v"}],"versionId":"e"}`}, payloadOf(1), cloud.ClassNone},
		{"no permission", workload.Result{Stdout: `{"code":7,"message":"Permission denied"}`}, "refused: PermissionDenied: Permission denied", cloud.ClassNone},
		{"curl failed", workload.Result{Status: 7}, "", cloud.ClassTransport},
		{"server failed", workload.Result{Stdout: `{"code":13,"message":"oops"}`}, "", cloud.ClassRetryable},
		{"throttled", workload.Result{Stdout: `{"code":8,"message":"too many"}`}, "", cloud.ClassQuota},
		{"not JSON", workload.Result{Stdout: "canary"}, "", cloud.ClassPermanent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAnswer(tc.result)
			if cloud.ClassOf(err) != tc.class || err == nil && got.String() != tc.shown {
				t.Errorf("%s, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the answer is quoted: %v", err)
			}
			if engine := slices.Contains([]cloud.Class{cloud.ClassTransport, cloud.ClassRetryable, cloud.ClassQuota}, tc.class); check.EngineFault(err) != engine {
				t.Errorf("an engine fault: %v", !engine)
			}
		})
	}
}

// A page instead of JSON is the engine's failure if the server fails, else the target's.
func TestPageInsteadOfAPayload(t *testing.T) {
	for _, tc := range []struct {
		name, curl string
		engine     bool
		says       string
	}{
		{"bad gateway", `printf 502`, true, "status 502"},
		{"throttled", `printf 429`, true, "status 429"},
		{"no answer", `printf 000; exit 7`, true, "code 7"},
		{"not found", `printf 404`, false, "status 404"},
		{"in order", `printf 200`, false, "status 200"},
		{"no status", `true`, false, "no HTTP status"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, notJSON := readAnswer(workload.Result{Stdout: "<html>canary"})
			err := judgeNotJSON(workloadtest.Bash(t, tc.curl, payloadStatus), notJSON)
			if check.EngineFault(err) != tc.engine || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("an engine fault: %t; %v", !tc.engine, err)
			}
		})
	}
}

func TestShapeOfTheTokenIsToldWithoutTheToken(t *testing.T) {
	getToken, err := manifests.Fill(manifests.GetToken, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, curl, want string }{
		{"a token", `echo '{"access_token":"t1.canary_-.` + strings.Repeat("A", 86) + `"}'`, iamToken},
		{"a padded token", `echo '{"access_token":"t1.canary==.` + strings.Repeat("A", 86) + `=="}'`, iamToken},
		{"a refusal", `echo '{"error":"invalid_request"}'`, "null"},
		{"no answer", `exit 7`, "nothing"},
		{"another token", `echo '{"access_token":"canary"}'`, "something else"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := workloadtest.Bash(t, tc.curl, getToken+shapeOf)
			if strings.TrimSpace(got.Stdout) != tc.want || got.Status != 0 {
				t.Errorf("%+v, want %s", got, tc.want)
			}
			if strings.Contains(got.Stdout+got.Stderr, "canary") {
				t.Errorf("the token is printed: %+v", got)
			}
		})
	}
}

func TestRefusalIsReadWithoutTheToken(t *testing.T) {
	for _, tc := range []struct {
		name, curl   string
		status, exit int
		code         string
	}{
		{"refused", `printf '{"error":"invalid_request","error_description":"no"}\n400'`, 400, 0, "invalid_request"},
		{"failing", `printf '<html>\n502'`, 502, 0, ""},
		{"a token after all", `printf '{"access_token":"t1.canary"}\n200'`, 200, 0, ""},
		{"no answer", `printf '\n000'; exit 7`, 0, 7, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := workloadtest.Bash(t, tc.curl, again)
			refused, err := readRefusal(got.Stdout)
			if err != nil || refused.Status != tc.status || refused.Code != tc.code || got.Status != tc.exit {
				t.Errorf("%+v: %v, %v", got, refused, err)
			}
			if strings.Contains(got.Stdout, "canary") {
				t.Errorf("the token is printed: %+v", got)
			}
		})
	}
}
