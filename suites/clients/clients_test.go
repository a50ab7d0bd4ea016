package clients

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/framework/workload/workloadtest"
)

func TestExchangeByCurlIsJudged(t *testing.T) {
	script := strings.NewReplacer("%s", "aje1", "%%", "%").Replace(exchangeByCurl) + "; __status=$?; printf 'IAMTOKEN=%s' \"$IAMTOKEN\" >&2; exit $__status"
	for _, tc := range []struct {
		name, curl string
		says       string
		engine     bool
		token      string
	}{
		{"a token", `printf '{"access_token":"t1.canary","token_type":"Bearer"}\n200'`, "", false, "t1.canary"},
		{"spaces around it", `printf '{ "access_token" : "t1.canary" }\n200'`, "", false, "t1.canary"},
		{"refused", `printf '{"error":"invalid_request","error_description":"no"}\n400'`, "400: invalid_request no", false, ""},
		{"no token", `printf '{"token":"canary"}\n200'`, "no access_token", false, ""},
		{"a page", `printf '<html>canary\n404'`, "a body that is no JSON", false, ""},
		{"failing", `printf '{}\n502'`, "502", true, ""},
		{"throttled", `printf '{}\n429'`, "429", true, ""},
		{"no answer", `printf '\n000'; exit 7`, "code 7", true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			result := workloadtest.Bash(t, tc.curl, script)
			err := judgeCurl(result, true)
			if (err == nil) != (tc.says == "") || check.EngineFault(err) != tc.engine {
				t.Fatalf("error = %v, an engine fault: %t", err, check.EngineFault(err))
			}
			if err != nil && (!strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("error = %v", err)
			}
			if got := result.Stderr[strings.Index(result.Stderr, "IAMTOKEN=")+len("IAMTOKEN="):]; got != tc.token || strings.Contains(result.Stdout, "t1.canary") {
				t.Errorf("the shell has the token %q and printed %q", got, result.Stdout)
			}
		})
	}
}

func TestPayloadByCurlIsJudged(t *testing.T) {
	script := strings.NewReplacer("%s", "e6q1", "%%", "%").Replace(payloadByCurl)
	result := workloadtest.Bash(t, `printf '{"entries":[]}\n200'`, script)
	if body, status := statusLast(result.Stdout); judgeCurl(result, false) != nil || strings.TrimSpace(body) != `{"entries":[]}` || status != 200 {
		t.Errorf("%q, %d, %v", body, status, judgeCurl(result, false))
	}
	if err := judgeCurl(workloadtest.Bash(t, `printf '{"code":7,"message":"Permission denied"}\n403'`, script), false); err == nil || !strings.Contains(err.Error(), "403: Permission denied") || check.EngineFault(err) {
		t.Errorf("error = %v", err)
	}
	// As protobuf the body begins with a byte that is a newline, too.
	result = workloadtest.Bash(t, `printf '\n\004\n\002ab\n200'`, script)
	if body, status := statusLast(result.Stdout); judgeCurl(result, false) != nil || status != 200 || body != "\n\x04\n\x02ab" {
		t.Errorf("%q, %d, %v", body, status, judgeCurl(result, false))
	}
	if err := judgeCurl(workloadtest.Bash(t, `printf 503`, script), false); !check.EngineFault(err) {
		t.Errorf("error = %v", err)
	}
}

func TestProgramsInPodsAreJudged(t *testing.T) {
	for status, engine := range map[int]bool{1: false, 2: true, 3: true, 126: true, 137: true} {
		err := judgeProgram(workload.Result{Status: status, Stderr: "it said\nthis"})
		if err == nil || check.EngineFault(err) != engine || !strings.Contains(err.Error(), "it said") {
			t.Errorf("code %d: %v", status, err)
		}
	}
	if err := judgeProgram(workload.Result{Stderr: "a warning"}); err != nil {
		t.Error(err)
	}
}

// A client that says only "it failed" is told apart by what went over the wire.
func TestSpyJudges(t *testing.T) {
	for _, tc := range []struct {
		status int
		engine bool
	}{{http.StatusBadRequest, false}, {http.StatusTooManyRequests, true}, {http.StatusBadGateway, true}} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.status) }))
		seen := &spy{}
		client := &exchange.Client{Endpoint: server.URL, HTTP: &http.Client{Transport: seen}}
		for _, token := range []exchange.Token{"one", "two"} {
			_, _ = client.Exchange(t.Context(), exchange.Form(token, "aje1"))
		}
		server.Close()
		if seen.count() != 2 || seen.which(map[string]exchange.Token{"first": "one", "second": "two"}) != "second" || seen.which(nil) != "another token" {
			t.Errorf("%d requests seen, the last of the %s", seen.count(), seen.which(map[string]exchange.Token{"first": "one"}))
		}
		if err := seen.judged(errors.New("it failed")); err == nil || check.EngineFault(err) != tc.engine {
			t.Errorf("%d: %v", tc.status, err)
		}
		if err := seen.judged(nil); err != nil {
			t.Errorf("of no error: %v", err)
		}
	}
}

func TestLaterIsAhead(t *testing.T) {
	clock := &later{}
	at := time.Now().Add(12 * time.Hour)
	clock.until(at)
	if now := clock.Now(); now.Before(at) {
		t.Errorf("it is %s, want %s", now, at)
	}
}
