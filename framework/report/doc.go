// Package report makes the reports of a run from its journal and from nothing
// else: conformance.yaml, report.json, junit.xml, summary.md, badge.svg, the table at the
// end of the command, and the exit code. Package htmlreport makes report.html, which
// also shows what the journal has beyond that.
//
// It says something about every requirement of the profile, whatever happened
// to the processes that should have decided it.
package report
