package report

import (
	"maps"
	"slices"
	"time"
)

// propagation sums up the measurements, in the order of what was measured.
func propagation(took map[string][]time.Duration) []Propagation {
	var out []Propagation
	for _, what := range slices.Sorted(maps.Keys(took)) {
		sorted := slices.Sorted(slices.Values(took[what]))
		out = append(out, Propagation{
			What: what, Count: len(sorted), P50: percentile(sorted, 50), P95: percentile(sorted, 95), Max: percentile(sorted, 100),
		})
	}
	return out
}

// percentile is the nearest rank: the smallest value that at least that many of a
// hundred do not exceed. There must be a value.
func percentile(sorted []time.Duration, percent int) Duration {
	rank := (len(sorted)*percent + 99) / 100
	return Duration(sorted[rank-1])
}
