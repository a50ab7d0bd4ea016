// Package check ties Ginkgo specs to requirements: the decorator that says which
// requirement a spec decides, assertions and getters that keep failures of the
// target apart from failures of everything between it and the suite, and the
// verdict that follows from a spec's report.
//
// What it remembers belongs to the spec that is running. A Ginkgo process runs
// one spec at a time.
package check
