package oauth

import (
	"maps"
	"slices"
)

// deviations are what each bug changes about the policy.
var deviations = joined(tokenDeviations, claimDeviations, keyDeviations, requestDeviations, stateDeviations, answerDeviations)

// Bugs are the names of the bugs that act on the exchange, sorted.
func Bugs() []string { return slices.Sorted(maps.Keys(deviations)) }

func joined(tables ...map[string]func(*policy)) map[string]func(*policy) {
	out := map[string]func(*policy){}
	for _, table := range tables {
		maps.Copy(out, table)
	}
	return out
}

// forgive is a policy that does not make these refusals.
func forgive(whys ...error) func(*policy) {
	return func(p *policy) { p.forgiven = append(p.forgiven, whys...) }
}
