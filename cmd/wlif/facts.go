package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// printFacts prints every observation of a run by requirement and case, and the
// rows of the mock's table of guesses that follow from them: as settings of a
// mock, and as lines of the table's source.
func printFacts(out io.Writer, r report.Report) error {
	facts := map[string]map[string]map[string]any{}
	guesses := settings.Guesses{}
	conflicts := map[string][]string{}
	ids := placeholders{}
	for _, q := range r.Requirements {
		for _, c := range q.Cases {
			if len(c.Observed) == 0 {
				continue
			}
			if facts[q.ID] == nil {
				facts[q.ID] = map[string]map[string]any{}
			}
			facts[q.ID][ids.in(c.Name)] = values(c.Observed, ids)
			name := guessOf[q.ID]
			answer, ok := answerOf(c.Observed)
			answer.Text = ids.in(answer.Text)
			if name == "" || !ok {
				continue
			}
			if known, twice := guesses[name]; twice && known != answer {
				conflicts[name] = append(conflicts[name], fmt.Sprintf("%s [%s]: %s", q.ID, c.Name, goRow(name, answer)))
				continue
			}
			guesses[name] = answer
		}
	}
	text, err := yaml.Marshal(recording{Observed: facts, Guesses: guesses})
	if err != nil {
		return fmt.Errorf("rendering the facts: %w", err)
	}
	var rows strings.Builder
	fmt.Fprintf(&rows, "# Observed by run %s, %s, on %s; nothing of it was judged.\n", r.Run.ID, r.Run.Started.UTC().Format("2006-01-02"), r.Target.Endpoint)
	rows.Write(text)
	rows.WriteString("# The rows of framework/mockcloud/settings/guesses.go:\n")
	for _, name := range slices.Sorted(maps.Keys(guesses)) {
		fmt.Fprintf(&rows, "#   %s\n", goRow(name, guesses[name]))
		for _, other := range conflicts[name] {
			fmt.Fprintf(&rows, "#   // or, by %s\n", other)
		}
	}
	_, err = io.WriteString(out, rows.String())
	return err
}

// values gives numbers as numbers, and ids as placeholders.
func values(observed []report.Observation, ids placeholders) map[string]any {
	out := map[string]any{}
	for _, o := range observed {
		out[o.Name] = ids.in(o.Value)
		if n, err := strconv.Atoi(o.Value); err == nil {
			out[o.Name] = n
		}
	}
	return out
}

// anID is the form that the cloud's ids have in its documentation: 20 characters.
// A text of the mock's table has %s in its place.
var anID = regexp.MustCompile(`\b[a-z][a-z0-9]{19}\b`)

// answerOf makes a row of an answer that was observed. What was accepted is the
// empty row.
func answerOf(observed []report.Observation) (settings.Answer, bool) {
	var (
		a       settings.Answer
		outcome string
	)
	for _, o := range observed {
		switch o.Name {
		case check.ObservedOutcome:
			outcome = o.Value
		case check.ObservedStatus:
			a.Status, _ = strconv.Atoi(o.Value) // it was made from a number
		case check.ObservedError:
			a.Error = o.Value
		case check.ObservedCode:
			a.Code = o.Value
		case check.ObservedText:
			a.Text = o.Value
		}
	}
	switch outcome {
	case check.OutcomeAccepted:
		return settings.Answer{}, true
	case check.OutcomeRefused:
		if a.Code != "" {
			a.Text = anID.ReplaceAllString(strings.ReplaceAll(a.Text, "%", "%%"), "%s")
		}
		return a, true
	}
	return a, false
}

// goRow is the line of the table's source.
func goRow(name string, a settings.Answer) string {
	if a == (settings.Answer{}) {
		return strconv.Quote(name) + ": {}, // accepted"
	}
	var fields []string
	if a.Status != 0 {
		fields = append(fields, fmt.Sprintf("Status: %d", a.Status))
	}
	for _, f := range [][2]string{{"Error", a.Error}, {"Code", a.Code}, {"Text", a.Text}} {
		if f[1] != "" {
			fields = append(fields, f[0]+": "+strconv.Quote(f[1]))
		}
	}
	return fmt.Sprintf("%q: {%s},", name, strings.Join(fields, ", "))
}

// guessOf names the mock's guess that an observation of a requirement's check
// replaces.
var guessOf = map[string]string{
	"exchange/method-get":                 "exchange/method",
	"exchange/json-body":                  "exchange/content-type",
	"exchange/content-type-missing":       "exchange/content-type",
	"exchange/parameter-missing":          "exchange/parameter-missing",
	"exchange/parameter-twice":            "exchange/parameter-twice",
	"exchange/grant-unknown":              "exchange/grant-type",
	"exchange/jwt-subject-token-type":     "exchange/subject-token-type",
	"exchange/oversized":                  "exchange/token-too-large",
	"exchange/not-a-jwt":                  "exchange/token-malformed",
	"exchange/alg-none":                   "exchange/algorithm",
	"exchange/crit-header":                "exchange/critical-header",
	"exchange/missing-kid":                "exchange/kid-missing",
	"exchange/unknown-kid":                "exchange/kid-unknown",
	"exchange/jwks-wrong-key-type":        "exchange/key-type",
	"exchange/wrong-key-same-kid":         "exchange/signature",
	"exchange/exp-as-string":              "exchange/claims-malformed",
	"exchange/exp-missing":                "exchange/exp-missing",
	"exchange/expired":                    "exchange/expired",
	"exchange/nbf-in-future":              "exchange/not-yet-valid",
	"exchange/iat-in-future":              "exchange/issued-in-future",
	"exchange/iss-other":                  "exchange/issuer",
	"exchange/aud-missing":                "exchange/audience-missing",
	"exchange/aud-other":                  "exchange/audience",
	"exchange/sub-missing":                "exchange/subject-missing",
	"exchange/sub-other-account":          "exchange/subject",
	"exchange/federation-disabled":        "exchange/federation-disabled",
	"exchange/jwks-404":                   "exchange/jwks-status",
	"exchange/jwks-timeout":               "exchange/jwks-unreachable",
	"exchange/jwks-html":                  "exchange/jwks-malformed",
	"exchange/jwks-huge":                  "exchange/jwks-too-large",
	"exchange/sa-unknown":                 "exchange/service-account-unknown",
	"exchange/sa-unlinked":                "exchange/not-linked",
	"exchange/sa-suspended":               "exchange/service-account-status",
	"federation/deleted-not-found":        "api/not-found",
	"federation/delete-with-credentials":  "api/federation-in-use",
	"federation/credential-duplicate":     "api/credential-exists",
	"federation/credential-empty-subject": "api/subject-empty",
	"secrets/inactive-secret":             "lockbox/inactive",
	"secrets/destroyed-version":           "lockbox/version-destroyed",
	"secrets/payload-size-limit":          "lockbox/payload-too-large",
	"lifecycle/version-requirement":       "k8s/wlif-needs-version",
	"lifecycle/channel-requirement":       "k8s/wlif-needs-rapid",
}
