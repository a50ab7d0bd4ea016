package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// builder gathers the events by what they are about.
type builder struct {
	catalogue []conformance.Requirement
	report    Report
	usage     bool
	// started are the cases that began, by requirement.
	started map[string][]string
	cases   map[string][]Case
	// observed is by requirement and case, took by what was measured.
	observed map[[2]string][]Observation
	took     map[string][]time.Duration
	// chosen are the requirements that the user selected; none means all.
	chosen []string
	// suiteEnded: the suite came to its end, whatever it found.
	suiteEnded bool
	plan       journal.Planned
	begun      map[string]journal.Record
	ended      map[string]journal.Record
}

// Build makes the report of a run from its journal. An unknown profile in the
// journal is judged by the whole catalogue.
func Build(records []journal.Record, torn []string) Report {
	return build(conformance.Catalogue(), records, torn)
}

func build(catalogue []conformance.Requirement, records []journal.Record, torn []string) Report {
	b := &builder{
		catalogue: catalogue,
		report:    Report{APIVersion: APIVersion, Kind: Kind},
		started:   map[string][]string{},
		cases:     map[string][]Case{},
		observed:  map[[2]string][]Observation{},
		took:      map[string][]time.Duration{},
		begun:     map[string]journal.Record{},
		ended:     map[string]journal.Record{},
	}
	b.report.Run.Torn = torn
	b.report.Inventory.Left = []Resource{}
	b.report.Features = Features{Present: []Feature{}, Lacking: []Feature{}}
	for _, r := range records {
		b.add(r)
	}
	b.finishRun(records)
	b.closeCases()
	b.judge()
	b.report.Propagation = propagation(b.took)
	b.report.Provisioning = b.provisioning()
	b.report.Paid = paid(records)
	b.conclude()
	return b.report
}

func (b *builder) add(r journal.Record) {
	switch e := r.Event.(type) {
	case journal.RunStarted:
		b.report.Run = Run{
			ID: e.RunID, Started: r.Time, Version: e.Version, Commit: e.Commit, Profile: e.Profile,
			Selection: e.Selection, Reproduce: e.Reproduce, Torn: b.report.Run.Torn,
		}
		b.chosen = e.Chosen
		b.report.Target.Cloud, b.report.Target.Cluster = e.Cloud, e.Cluster
	case journal.RunFinished:
		b.report.Run.Complete = true
	case journal.Target:
		b.target(e)
	case journal.Feature:
		b.feature(e)
	case journal.Engine:
		b.report.Target.Engine = engine(e)
	case journal.Planned:
		b.plan = e
	case journal.NodeStarted:
		if e.Phase != journal.Delete {
			b.begun[e.Node] = r
		}
	case journal.NodeFinished:
		if e.Phase != journal.Delete {
			b.ended[e.Node] = r
		}
	case journal.CheckStarted:
		b.started[e.Requirement] = append(b.started[e.Requirement], e.Case)
	case journal.Verdict:
		b.cases[e.Requirement] = append(b.cases[e.Requirement], Case{
			Name: e.Case, Verdict: e.Verdict, Reason: e.Reason, ByChoice: e.ByChoice, Duration: Duration(e.Duration), Location: e.Location,
		})
	case journal.Observed:
		key := [2]string{e.Requirement, e.Case}
		b.observed[key] = append(b.observed[key], Observation{e.Name, e.Value})
	case journal.Measured:
		b.took[e.What] = append(b.took[e.What], e.Duration)
	case journal.Exit:
		b.suiteEnded = b.suiteEnded || e.Program == "suite" && e.Signal == "" && e.Code <= 1
	case journal.Problem:
		b.usage = b.usage || e.Usage
		b.report.Problems = append(b.report.Problems, Problem{e.Where, e.Reason})
	case journal.ResourceLeft:
		b.report.Inventory.Left = append(b.report.Inventory.Left, Resource(e))
	case journal.Inventory:
		b.report.Inventory.Made, b.report.Inventory.Complete, b.report.Inventory.Reason = true, e.Complete, e.Reason
	case journal.Diagnostic:
		b.report.Diagnostics = append(b.report.Diagnostics, e.File)
	}
}

func engine(e journal.Engine) *Engine {
	out := &Engine{Name: e.Name, Host: e.Host}
	for _, s := range e.Steps {
		out.Took += Duration(s.Took)
		out.Steps = append(out.Steps, EngineStep{s.What, s.Times, Duration(s.Took)})
	}
	return out
}

// target merges: the launcher knows the folder before the suite knows the cluster.
func (b *builder) target(e journal.Target) {
	t := &b.report.Target
	t.Endpoint = cmp.Or(e.Endpoint, t.Endpoint)
	t.CloudID = cmp.Or(e.CloudID, t.CloudID)
	t.FolderID = cmp.Or(e.FolderID, t.FolderID)
	t.ClusterID = cmp.Or(e.ClusterID, t.ClusterID)
	t.KubernetesVersion = cmp.Or(e.KubernetesVersion, t.KubernetesVersion)
	t.ReleaseChannel = cmp.Or(e.ReleaseChannel, t.ReleaseChannel)
	t.Issuer = cmp.Or(e.Issuer, t.Issuer)
	t.JWKSURL = cmp.Or(e.JWKSURL, t.JWKSURL)
}

// feature keeps the last word on each feature.
func (b *builder) feature(e journal.Feature) {
	without := func(list []Feature) []Feature {
		return slices.DeleteFunc(list, func(f Feature) bool { return f.Name == e.Name })
	}
	b.report.Features.Present = without(b.report.Features.Present)
	b.report.Features.Lacking = without(b.report.Features.Lacking)
	list := &b.report.Features.Lacking
	if e.Present {
		list = &b.report.Features.Present
	}
	*list = append(*list, Feature{e.Name, e.Reason})
	slices.SortFunc(*list, func(x, y Feature) int { return cmp.Compare(x.Name, y.Name) })
}

func (b *builder) finishRun(records []journal.Record) {
	if len(records) == 0 {
		return
	}
	run := &b.report.Run
	if run.Started.IsZero() {
		run.Started = records[0].Time
	}
	run.Ended = records[len(records)-1].Time
	run.Duration = Duration(run.Ended.Sub(run.Started))
}

// judge gives every requirement of the profile, and every other one that a
// check reported, its verdict.
func (b *builder) judge() {
	profile, err := conformance.FindProfile(b.report.Run.Profile)
	demanded := func(id string) bool { return err != nil || slices.Contains(profile.Requirements, id) }
	known := map[string]bool{}
	for _, r := range b.catalogue {
		known[r.ID] = true
		if demanded(r.ID) || len(b.cases[r.ID]) > 0 {
			b.report.Requirements = append(b.report.Requirements, b.requirement(r))
		}
	}
	for id := range b.cases {
		if !known[id] {
			b.report.Problems = append(b.report.Problems, Problem{"suite", fmt.Sprintf("a check decided %q, which is not in the catalogue", id)})
		}
	}
	b.report.Profiles = []Profile{b.profile(cmp.Or(profile.Name, "catalogue"), demanded)}
}

func (b *builder) requirement(r conformance.Requirement) Requirement {
	out := Requirement{
		ID: r.ID, Level: r.Level, Statement: r.Statement, Sources: r.Sources, Severity: r.Severity,
		Features: r.Features, Cases: b.cases[r.ID], Excluded: r.Excluded != "",
	}
	for i, c := range out.Cases {
		out.Cases[i].Observed = b.observed[[2]string{r.ID, c.Name}]
	}
	switch {
	case len(out.Cases) > 0:
		out.sumUp()
	case r.Excluded != "":
		out.Verdict, out.Reason, out.ByChoice = conformance.Skipped, "excluded: "+r.Excluded, true
	default:
		out.Verdict, out.Reason, out.ByChoice = b.missing(r)
	}
	if out.Verdict == conformance.Fail {
		out.Remediation = r.Remediation
	}
	return out
}

// sumUp combines the cases. The reason is that of the first case which has the
// combined verdict.
func (r *Requirement) sumUp() {
	verdicts := make([]conformance.Verdict, 0, len(r.Cases))
	for _, c := range r.Cases {
		verdicts = append(verdicts, c.Verdict)
		r.Duration += c.Duration
	}
	r.Verdict = conformance.Combine(verdicts...)
	var deciding []Case
	for _, c := range r.Cases {
		if c.Verdict == r.Verdict {
			deciding = append(deciding, c)
		}
	}
	if len(deciding) == 0 {
		r.Reason = "a check gave an unknown verdict"
		return
	}
	r.Reason = deciding[0].Reason
	r.ByChoice = !slices.ContainsFunc(deciding, func(c Case) bool { return !c.ByChoice })
}

// closeCases decides the cases that began and did not end: another case of the
// same requirement says nothing about them.
func (b *builder) closeCases() {
	for id, names := range b.started {
		for _, name := range names {
			if !slices.ContainsFunc(b.cases[id], func(c Case) bool { return c.Name == name }) {
				b.cases[id] = append(b.cases[id], Case{Name: name, Verdict: conformance.Error, Reason: "the suite ended while this check was running" + b.because()})
			}
		}
	}
}

// missing explains a requirement that nothing decided.
func (b *builder) missing(r conformance.Requirement) (v conformance.Verdict, reason string, byChoice bool) {
	switch {
	case b.usage:
		return conformance.Skipped, "nothing was started: " + b.firstProblem(), false
	case len(b.chosen) > 0 && !slices.Contains(b.chosen, r.ID) && !r.AtTheEnd():
		return conformance.Skipped, "not selected: the run is asked for profile " + b.report.Run.Profile + "; " + b.report.Run.Selection, true
	case !b.cameToItsEnd():
		return conformance.Error, "the suite ended before this check ran" + b.because(), false
	case r.Level == conformance.Record:
		return conformance.Skipped, "no check recorded anything", false
	}
	b.report.Lost = append(b.report.Lost, r.ID)
	return conformance.Error, "no check emitted a verdict", false
}

// cameToItsEnd says whether every check of the suite had its turn.
func (b *builder) cameToItsEnd() bool {
	return b.suiteEnded && !slices.ContainsFunc(b.report.Problems, func(p Problem) bool {
		return slices.Contains([]string{"preflight", "provisioning", "suite", "run"}, p.Where)
	})
}

func (b *builder) firstProblem() string {
	if len(b.report.Problems) == 0 {
		return ""
	}
	return b.report.Problems[0].Reason
}

func (b *builder) because() string {
	if reason := b.firstProblem(); reason != "" {
		return ": " + reason
	}
	return ""
}
