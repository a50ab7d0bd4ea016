package bugs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Bug is a named deviation of the mock cloud that some check must catch.
type Bug struct {
	// Name says what is wrong: AnyAudienceAccepted.
	Name string
	// Area is the table it is of: token, claims, ...
	Area string
	// Doc is what a real implementation did or could do wrong.
	Doc string
	// MustKill are the ids of the requirements whose checks must FAIL.
	MustKill []string
	// MayKill are further ones that may fail; nothing else may.
	MayKill []May
	// OwnCluster: it acts on the cluster of its folder, so that a run with it needs
	// one that no other run has at the time.
	OwnCluster bool
	// FromBirth: it acts only when the cluster or its nodes are made.
	FromBirth bool
}

// May is requirements whose checks may notice a bug, depending on what they do
// beside the one thing that they decide.
type May struct {
	// ID of a requirement, or a pattern of path.Match ("clients/*").
	ID string
	// Why it may, and need not.
	Why string
}

// Everywhere is the folder id that stands for every folder.
const Everywhere = "*"

// in makes the table of an area.
func in(area string, table ...Bug) []Bug {
	for i := range table {
		table[i].Area = area
	}
	return table
}

// may lists requirements that may fail for one reason.
func may(why string, ids ...string) []May {
	out := make([]May, len(ids))
	for i, id := range ids {
		out[i] = May{ID: id, Why: why}
	}
	return out
}

// all is every area's table, in the order in which they are listed.
var all = slices.Concat(
	token, times, claims, jwks, request, state, answer,
	access, secrets, federation, operations, rest, cluster, metadata, storage,
)

// All returns every bug, area by area.
func All() []Bug { return slices.Clone(all) }

// Names returns the name of every bug, in the order of All.
func Names() []string {
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.Name
	}
	return names
}

// Lookup finds a bug by its exact name. The error names the nearest known one.
func Lookup(name string) (Bug, error) {
	if i := slices.IndexFunc(all, func(b Bug) bool { return b.Name == name }); i >= 0 {
		return all[i], nil
	}
	nearest := slices.MinFunc(Names(), func(a, b string) int { return distance(name, a) - distance(name, b) })
	return Bug{}, fmt.Errorf("there is no bug %q; the nearest is %s, `wlif mock bugs` lists all", name, nearest)
}

func distance(a, b string) int {
	return levenshtein.ComputeDistance(strings.ToLower(a), strings.ToLower(b))
}

// Set is the names of the bugs that act on something, sorted, each once.
type Set []string

// SetOf makes a set of several lists.
func SetOf(lists ...[]string) Set {
	names := slices.Concat(lists...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Has says whether a bug acts.
func (s Set) Has(name string) bool { return slices.Contains(s, name) }

// Apply lets each bug of the set change a policy, as a service's table of its bugs
// says; a bug of another service changes nothing.
func Apply[P any](s Set, table map[string]func(*P), policy *P) {
	for _, name := range s {
		if change, ok := table[name]; ok {
			change(policy)
		}
	}
}
