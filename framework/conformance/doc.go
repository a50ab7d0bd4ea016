// Package conformance is the catalogue: which requirements exist, where each
// comes from, how a breach is repaired, which features a check of it needs,
// which profiles there are, and what a verdict means.
//
// It is plain data and pure functions. It does no I/O and imports nothing of
// this module, so that suites, reports and the command line can all share it.
// There is one file per area of the catalogue, named after the area.
package conformance
