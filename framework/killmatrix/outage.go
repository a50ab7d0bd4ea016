package killmatrix

import (
	"fmt"
	"path"
	"slices"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Outage is a way in which the mock cloud, or what is on the way to it, does not
// answer as a cloud does. It says nothing about the target, so that no check may
// pass or fail for it: a refusal that never came is none.
type Outage struct {
	Name, Doc string
	// Faults are the mock's settings, as JSON.
	Faults string
	// Gone: nothing listens where the token endpoint should be.
	Gone bool
	// Affects are patterns of the requirements whose checks all need what is out.
	Affects []string
}

// exchanges are the areas in which every check exchanges a token.
var exchanges = []string{"exchange/*", "subjects/*", "custom/*"}

// Outages lists them.
func Outages() []Outage {
	return []Outage{
		{Name: "TokenEndpointFails", Doc: "every exchange is answered with 500", Faults: `[{"method": "oauth/token", "code": "INTERNAL"}]`, Affects: exchanges},
		{Name: "TokenEndpointHangs", Doc: "no exchange is ever answered", Faults: `[{"method": "oauth/token", "delay": "1h"}]`, Affects: exchanges},
		{Name: "TokenEndpointIsAPage", Doc: "every exchange is answered with a web page", Faults: `[{"method": "oauth/token", "page": true}]`, Affects: exchanges},
		{Name: "TokenEndpointGone", Doc: "nothing listens where the token endpoint should be", Gone: true, Affects: exchanges},
		{Name: "PayloadsFail", Doc: "every payload is answered with 500", Faults: `[{"method": "yandex.cloud.lockbox.v1.PayloadService/Get", "code": "INTERNAL"}]`,
			Affects: []string{"access/no-role", "access/role-*", "access/no-bearer", "access/malformed-token", "access/expired-token", "access/token-of-other-sa", "secrets/rest-equals-grpc", "secrets/inactive-secret", "secrets/unknown-secret"}},
		{Name: "EverythingFails", Doc: "every call of the API is answered with 500", Faults: `[{"method": "*", "code": "INTERNAL"}]`,
			Affects: []string{"exchange/*", "subjects/*", "custom/*", "access/*", "secrets/*", "federation/*", "issuer/*"}},
	}
}

// Plan lists the requirements whose checks a run during the outage makes.
func (o Outage) Plan() []string {
	var out []string
	for _, r := range conformance.Catalogue() {
		if r.Excluded == "" && !r.Slow && !r.AtTheEnd() && o.affects(r.ID) {
			out = append(out, r.ID)
		}
	}
	return out
}

func (o Outage) affects(id string) bool {
	return slices.ContainsFunc(o.Affects, func(pattern string) bool {
		ok, err := path.Match(pattern, id)
		return ok && err == nil
	})
}

// Judge says, one sentence each, where a run during the outage says something
// about the target.
func (o Outage) Judge(r report.Report) []string {
	var faults []string
	if r.Outcome.ExitCode != report.ExitEngine {
		faults = append(faults, fmt.Sprintf("the exit code is %d, not %d: %s", r.Outcome.ExitCode, report.ExitEngine, r.Outcome.Text))
	}
	errors := 0
	for _, q := range r.Requirements {
		switch q.Verdict {
		case conformance.Error:
			errors++
		case conformance.Pass, conformance.Fail, conformance.Recorded:
			if o.affects(q.ID) {
				faults = append(faults, fmt.Sprintf("%s is %s", q.ID, told(q)))
			}
		}
	}
	if errors == 0 && len(r.Problems) == 0 {
		faults = append(faults, "nothing is an ERROR")
	}
	return faults
}
