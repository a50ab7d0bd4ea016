// Package suites is the one Ginkgo suite of the project. `wlif run` starts it;
// the areas of the catalogue are packages below it, and suites/run is what they
// share.
package suites
