package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func observed(id, name string, pairs ...string) report.Requirement {
	var noted []report.Observation
	for i := 0; i < len(pairs); i += 2 {
		noted = append(noted, report.Observation{Name: pairs[i], Value: pairs[i+1]})
	}
	return report.Requirement{ID: id, Cases: []report.Case{{Name: name, Observed: noted}}}
}

// What is printed is the settings of a mock and rows of its source.
func TestFactsCanBePasted(t *testing.T) {
	var out bytes.Buffer
	err := printFacts(&out, report.Report{Run: report.Run{ID: "abcdefgh"}, Requirements: []report.Requirement{
		observed("exchange/json-body", "a JSON body", "outcome", "refused", "status", "415", "error", "invalid_request", "text", `no "JSON"`),
		observed("exchange/clock-skew", "leeway", "30s", "accepted"),
		observed("exchange/iat-in-future", "an hour", "outcome", "accepted"),
		observed("exchange/iat-in-future", "a day", "outcome", "refused", "status", "400", "error", "e"),
		observed("exchange/oversized", "a page", "outcome", "in no documented form", "status", "413"),
		observed("federation/delete-with-credentials", "one", "outcome", "refused", "code", "FAILED_PRECONDITION", "text", "Federation aje0123456789abcdefg has 1% too many"),
		{ID: "tutorial/exchange", Cases: []report.Case{{Name: "nothing"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		`"exchange/content-type": {Status: 415, Error: "invalid_request", Text: "no \"JSON\""},`,
		`"exchange/issued-in-future": {}, // accepted`,
		`// or, by exchange/iat-in-future [a day]: "exchange/issued-in-future": {Status: 400, Error: "e"},`,
		`"api/federation-in-use": {Code: "FAILED_PRECONDITION", Text: "Federation %s has 1%% too many"},`,
	} {
		if !strings.Contains(out.String(), "#   "+row+"\n") {
			t.Errorf("there is no row %s in\n%s", row, out.String())
		}
	}
	var read struct {
		Observed map[string]map[string]map[string]any
		Guesses  settings.Guesses
	}
	if err := yaml.UnmarshalStrict(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if got := read.Observed["exchange/json-body"]["a JSON body"]; got["status"] != 415.0 || got["error"] != "invalid_request" {
		t.Errorf("observed %+v", got)
	}
	if len(read.Observed) != 5 || len(read.Guesses) != 3 || read.Guesses["exchange/content-type"].Status != 415 {
		t.Errorf("read back %+v", read)
	}
}

// A guess that the mock does not have, or a requirement that is not in its area,
// would be looked for in vain.
func TestGuessesHaveTheirNames(t *testing.T) {
	var areas []string
	for _, r := range conformance.Catalogue() {
		areas = append(areas, r.Area)
	}
	known := settings.Default().Guesses
	for id, guess := range guessOf {
		if _, ok := known[guess]; !ok {
			t.Errorf("%s: the mock has no guess %s", id, guess)
		}
		area, _, _ := strings.Cut(id, "/")
		if _, ok := conformance.Lookup(id); !ok && slices.Contains(areas, area) {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}
