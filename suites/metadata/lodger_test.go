package metadata

import (
	"errors"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
)

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		result  workload.Result
		status  int
		outcome string
	}{
		"a token":          {workload.Result{Stdout: `{"access_token":"t1.x","expires_in":43200}` + "\n200\n"}, 200, check.OutcomeAccepted},
		"over lines":       {workload.Result{Stdout: "{\n\"access_token\":\n\"t1.x\"}\n200"}, 200, check.OutcomeAccepted},
		"a refusal":        {workload.Result{Stdout: "The header is missing\n\n403"}, 403, check.OutcomeRefused},
		"nothing":          {workload.Result{Stdout: "\n404"}, 404, check.OutcomeRefused},
		"status alone":     {workload.Result{Stdout: "404"}, 404, check.OutcomeRefused},
		"a refused token":  {workload.Result{Stdout: `{"access_token":"t1.x"}` + "\n403"}, 403, check.OutcomeAccepted},
		"a page":           {workload.Result{Stdout: "<html>access_token</html>\n200"}, 200, check.OutcomeRefused},
		"an empty token":   {workload.Result{Stdout: `{"access_token":""}` + "\n200"}, 200, check.OutcomeRefused},
		"a token in a key": {workload.Result{Stdout: `{"t1.x":1}` + "\n200"}, 200, check.OutcomeRefused},
	} {
		got, err := read(tc.result)
		if err != nil || got.status != tc.status || got.outcome() != tc.outcome {
			t.Errorf("%s: %d %s, %v", name, got.status, got.outcome(), err)
		}
	}
}

// Nobody there and a server that fails are no refusals.
func TestReadEngineFaults(t *testing.T) {
	for name, result := range map[string]workload.Result{
		"nobody there": {Status: 7, Stdout: "\n000"}, "a failing server": {Stdout: "x\n503"}, "throttling": {Stdout: "\n429"},
	} {
		if got, err := read(result); !check.EngineFault(err) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := read(workload.Result{Stdout: "x"}); err == nil || errors.As(err, new(*exchange.Refusal)) {
		t.Errorf("no status: %v", err)
	}
}
