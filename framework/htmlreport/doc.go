// Package htmlreport writes a run's report as one HTML page that needs nothing
// else: no network, no other file, no script to be read. It stands on the report
// and on the run's journal, which also has the steps, the calls and the times.
//
// Everything is in the page's HTML. The script only hides what a filter leaves out.
package htmlreport
