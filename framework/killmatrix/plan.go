package killmatrix

import (
	"path"
	"slices"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
)

// Sentinels are run for every bug: checks of each area that a bug elsewhere must
// leave alone.
var Sentinels = []string{
	"issuer/token-iss-exact", "exchange/bearer-token", "exchange/wrong-key-same-kid", "exchange/aud-other", "exchange/sub-other-namespace",
	"federation/round-trip", "access/no-role", "access/role-on-folder", "secrets/rest-equals-grpc",
}

// Plan lists the requirements whose checks a bug's run makes: those that it must
// kill, everything else of their areas but what is slow, and the sentinels. What is
// only recorded cannot fail, so it is left out, too. With full it is every requirement
// of the profile full.
func Plan(b bugs.Bug, full bool) []string {
	areas := map[string]bool{}
	for _, id := range b.MustKill {
		areas[areaOf(id)] = true
	}
	var out []string
	for _, r := range conformance.Catalogue() {
		switch {
		case unfit(r) || r.Slow && !slices.Contains(b.MustKill, r.ID):
		case full, r.Level != conformance.Record && (areas[r.Area] || slices.Contains(Sentinels, r.ID)):
			out = append(out, r.ID)
		}
	}
	return out
}

// ControlPlan lists the requirements that are run without any bug: all that Plan lists
// for any, but what is slow.
func ControlPlan(full bool) []string {
	var out []string
	for _, r := range conformance.Catalogue() {
		if !unfit(r) && !r.Slow && (full || r.Level != conformance.Record) {
			out = append(out, r.ID)
		}
	}
	return out
}

// unfit are those that no check decides, and those that are decided when all is over.
func unfit(r conformance.Requirement) bool { return r.Excluded != "" || r.AtTheEnd() }

// NeedsCluster reports whether a bug can be caught only with a second cluster, which
// costs more than everything else.
func NeedsCluster(b bugs.Bug) bool {
	return slices.ContainsFunc(b.MustKill, func(id string) bool {
		r, ok := conformance.Lookup(id)
		return ok && slices.Contains(r.Features, conformance.SecondCluster)
	})
}

// IsSlow reports whether a bug can be caught only by a check that is run when asked
// for.
func IsSlow(b bugs.Bug) bool {
	return slices.ContainsFunc(b.MustKill, func(id string) bool {
		r, ok := conformance.Lookup(id)
		return ok && r.Slow
	})
}

func areaOf(id string) string { return path.Dir(id) }

// may reports whether a bug declares that it may kill a requirement.
func may(b bugs.Bug, id string) bool {
	return slices.ContainsFunc(b.MayKill, func(m bugs.May) bool {
		ok, err := path.Match(m.ID, id)
		return ok && err == nil
	})
}
