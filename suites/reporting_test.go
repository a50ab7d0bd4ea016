package suites_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// registerReporting writes every spec's verdict into the journal as soon as the
// spec has ended: Ginkgo's own reports are lost with any of its processes.
func registerReporting(r *run.Run) {
	// failed is the last requirement of an ordered container that was not kept.
	failed := ""
	ReportBeforeEach(func(spec SpecReport) {
		check.Take()
		if id, ok := check.RequirementOf(spec); ok && !spec.State.Is(types.SpecStateSkipped|types.SpecStatePending) {
			_ = r.Journal.Write(journal.CheckStarted{Requirement: id, Case: spec.LeafNodeText})
		}
	})
	ReportAfterEach(func(spec SpecReport) {
		id, ok := check.RequirementOf(spec)
		if !ok {
			_ = r.Journal.Write(journal.Problem{Where: "suite", Reason: fmt.Sprintf("the spec %q decides no requirement", spec.FullText())})
			return
		}
		requirement, _ := conformance.Lookup(id)
		notes := check.Take()
		judgement := check.Judge(spec, requirement.Level, notes, check.Asked{Filter: r.Info.Filter, Words: r.Info.Asked})
		switch {
		case judgement.Verdict == conformance.Fail || judgement.Verdict == conformance.Error:
			failed = id
		case judgement.Verdict == conformance.Skipped && !judgement.ByChoice && spec.IsInOrderedContainer && failed != "":
			judgement.Reason = failed + " did not pass before it"
		}
		for _, o := range notes.Observations {
			_ = r.Journal.Write(journal.Observed{Requirement: id, Case: spec.LeafNodeText, Name: o.Name, Value: r.Quoted(o.Value)})
		}
		for _, m := range notes.Measurements {
			_ = r.Journal.Write(journal.Measured{Requirement: id, What: m.What, Duration: m.Took})
		}
		_ = r.Journal.Write(journal.Verdict{
			Requirement: id, Case: spec.LeafNodeText, Verdict: judgement.Verdict, Reason: r.Quoted(judgement.Reason), ByChoice: judgement.ByChoice,
			Duration: spec.RunTime, Location: location(spec),
		})
	})
	ReportAfterSuite("suite-level failures", func(report Report) {
		for _, node := range report.SpecReports {
			if node.LeafNodeType.Is(types.NodeTypeSynchronizedBeforeSuite) && explained {
				continue
			}
			if node.LeafNodeType.Is(types.NodeTypesForSuiteLevelNodes) && node.State.Is(types.SpecStateFailureStates) {
				_ = r.Journal.Write(journal.Problem{Where: "suite", Reason: fmt.Sprintf("%s %s: %s", node.LeafNodeType, node.State, check.OneLine(node.Failure.Message))})
			}
		}
	})
}

// location is a spec's file and line, the file below the module's root.
func location(spec types.SpecReport) string {
	at := spec.LeafNodeLocation
	file := at.FileName
	if i := strings.LastIndex(file, "/suites/"); i >= 0 {
		file = file[i+1:]
	}
	return fmt.Sprintf("%s:%d", file, at.LineNumber)
}
