package settings

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Grade says how well it is known that the real cloud behaves as the mock does.
type Grade string

// From the best to the worst.
const (
	Recorded   Grade = "recorded"   // a run on the real cloud saw it
	Documented Grade = "documented" // the cloud's documentation or API says it
	Inferred   Grade = "inferred"   // the source of a client, or a document about something else, suggests it
	Assumed    Grade = "assumed"    // nobody has seen it
)

// evidence is what a behaviour of the mock is known from. Date is the source's, where
// it has one.
type evidence struct {
	pattern      string
	grade        Grade
	source, date string
}

// known says of each behaviour where it is from: the first pattern that fits its name. A
// recording of the real cloud makes a row of its own, before the others.
var known = []evidence{
	{"exchange/parameter-missing", Inferred, "a public action for GitHub that makes the exchange: `invalid_request` with an error_description", "2025-04-03"},
	{"exchange/federation-disabled", Documented, "iam/v1/workload/oidc/federation.proto: a disabled federation cannot be used; the answer is assumed", ""},
	{"exchange/service-account-status", Documented, "iam/v1/service_account.proto: a suspended account cannot authenticate; the answer is assumed", ""},
	{"exchange/subject", Documented, "iam/v1/workload/federated_credential.proto: exact match; the answer is assumed", ""},
	{"exchange/*", Assumed, "RFC 6749, 5.2 and RFC 8693, 2.2.2", ""},
	{"metadata/flavor-missing", Inferred, "Compute Cloud, VM metadata: the header protects against SSRF; the answer is that of the service whose format it is", ""},
	{"metadata/*", Assumed, "no source was found; the tutorial of 2026 shows the way that works", ""},
	{"api/access-policy", Documented, "Access policies of IAM: linking can be forbidden; the answer is assumed", ""},
	{"k8s/wlif-needs-version", Documented, "the tutorial: 1.30 or higher; the answer is assumed", "2025-10-29"},
	{"k8s/wlif-needs-rapid", Documented, "the tutorial: release channel rapid; a later text has no such sentence, and the answer is assumed", "2025-10-29"},
	{"k8s/node-group-without-wlif", Inferred, "a pull request to the cloud's Terraform module takes it for a mistake", ""},
	{"lockbox/inactive", Documented, "Lockbox: the content of a deactivated secret is inaccessible; the answer is assumed", ""},
	{"lockbox/payload-too-large", Documented, "Quotas and limits in Lockbox: 64 KB for a version; the answer is assumed", ""},
	{"lockbox/versions-limit", Documented, "Quotas and limits in Lockbox: 1000 versions; the answer is assumed", ""},
	{"settings/token_lifetime", Documented, "IAM token: at most 12 hours; a sample answer has 43200 seconds", ""},
	{"settings/restrictions", Documented, "the tutorial", "2025-10-29"},
	{"settings/poll_interval", Inferred, "the SDK reads the header x-operation-poll-interval", ""},
	{"settings/jwks.algorithms", Assumed, "Kubernetes signs with RS256; ES256 is what others use", ""},
	{"settings/quotas/*", Documented, "Quotas and limits of the services", ""},
}

// unknown is what no row fits.
var unknown = evidence{grade: Assumed, source: "no source was found"}

// Behaviour is one of the mock's that a recording of the real cloud can confirm.
type Behaviour struct {
	// Name is that of a guess or, after "settings/", of a setting.
	Name, Is     string
	Grade        Grade
	Source, Date string
}

// Fidelity lists what the mock does with these settings where the real cloud may do
// otherwise, by name.
func Fidelity(s Settings) []Behaviour {
	is := map[string]string{
		"settings/token_lifetime": time.Duration(s.TokenLifetime).String(), "settings/restrictions": s.Restrictions,
		"settings/propagation": time.Duration(s.Propagation).String(), "settings/leeway": time.Duration(s.Leeway).String(),
		"settings/poll_interval": time.Duration(s.PollInterval).String(),
		"settings/jwks.ttl":      time.Duration(s.JWKS.TTL).String(), "settings/jwks.refetch_every": time.Duration(s.JWKS.RefetchEvery).String(),
		"settings/jwks.timeout": time.Duration(s.JWKS.Timeout).String(), "settings/jwks.max_bytes": fmt.Sprint(s.JWKS.MaxBytes),
		"settings/jwks.redirects": s.JWKS.Redirects, "settings/jwks.algorithms": strings.Join(s.JWKS.Algorithms, ", "),
	}
	for metric, limit := range s.Quotas {
		is["settings/quotas/"+metric] = fmt.Sprint(limit)
	}
	for name, answer := range s.Guesses {
		is[name] = answer.String()
	}
	var out []Behaviour
	for _, name := range slices.Sorted(maps.Keys(is)) {
		e := evidenceOf(name)
		out = append(out, Behaviour{name, is[name], e.grade, e.source, e.date})
	}
	return out
}

func evidenceOf(name string) evidence {
	for _, e := range known {
		if ok, err := path.Match(e.pattern, name); err == nil && ok {
			return e
		}
	}
	return unknown
}

// String is how the answer is shown; that of no refusal is "accepted".
func (a Answer) String() string {
	if a == (Answer{}) {
		return "accepted"
	}
	text := a.Code
	if a.Status != 0 {
		text = fmt.Sprintf("%d %s", a.Status, a.Error)
	}
	if a.Text != "" {
		text += fmt.Sprintf(" %q", a.Text)
	}
	return text
}

// FidelityPage is the Markdown page of Fidelity.
func FidelityPage(s Settings) string {
	behaviours := Fidelity(s)
	count := map[Grade]int{}
	for _, b := range behaviours {
		count[b.Grade]++
	}
	var page strings.Builder
	page.WriteString("# How well the mock cloud is known to be like the real one\n\nMade by `wlif mock fidelity`. `make e2e CLOUD=yandex PROFILE=full ARGS=--record=facts.yaml` records\nthe real cloud's answers, and `bin/wlif mock --verify=facts.yaml` says where the mock differs.\n\n")
	var sums []string
	for _, g := range []Grade{Recorded, Documented, Inferred, Assumed} {
		sums = append(sums, fmt.Sprintf("%d %s", count[g], g))
	}
	fmt.Fprintf(&page, "%s.\n\n| behaviour | in the mock | grade | source | date |\n|---|---|---|---|---|\n", strings.Join(sums, ", "))
	for _, b := range behaviours {
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s | %s |\n", b.Name, strings.ReplaceAll(b.Is, "|", `\|`), b.Grade, b.Source, cmp.Or(b.Date, "-"))
	}
	return page.String()
}
