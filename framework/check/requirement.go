package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// requirementKey is the key of the label that carries a requirement's id.
const requirementKey = "requirement"

// Label is the label of a requirement's checks: requirement:tutorial.exchange.
// Ginkgo's labels cannot hold the slash of an id.
func Label(id string) string { return requirementKey + ":" + labelValue(id) }

func labelValue(id string) string { return strings.Replace(id, "/", ".", 1) }

// labels are all that a requirement's checks have, and what a user's label filter
// can select by: its area and level as plain words, and "slow".
func labels(r conformance.Requirement) []string {
	out := []string{Label(r.ID), r.Area, strings.ToLower(string(r.Level))}
	if r.Slow {
		out = append(out, "slow")
	}
	return out
}

// Decides decorates the spec that decides a requirement. An id that is not in
// the catalogue, or whose row says that no check can decide it, is a mistake in
// the suite and panics when the tree is built.
func Decides(id string) ginkgo.Labels {
	requirement, ok := conformance.Lookup(id)
	if !ok {
		panic(fmt.Sprintf("no requirement %q is in the catalogue", id))
	}
	return decides(requirement)
}

func decides(r conformance.Requirement) ginkgo.Labels {
	if r.Excluded != "" {
		panic(fmt.Sprintf("the catalogue says that no check decides %q: %s", r.ID, r.Excluded))
	}
	return ginkgo.Label(labels(r)...)
}

// RequirementOf gives the id of the requirement that a spec decides.
func RequirementOf(spec types.SpecReport) (string, bool) {
	for _, label := range spec.Labels() {
		if value, ok := strings.CutPrefix(label, requirementKey+":"); ok {
			return strings.Replace(value, ".", "/", 1), true
		}
	}
	return "", false
}

// Select gives those of the requirements whose checks the user's own filter
// selects.
func Select(requirements []conformance.Requirement, users types.LabelFilter) []conformance.Requirement {
	return slices.DeleteFunc(slices.Clone(requirements), func(r conformance.Requirement) bool { return !users(labels(r)) })
}

// Filter is the label filter that selects the checks of requirements, and of
// those the ones that the user's own filter (which may be empty) selects.
func Filter(ids []string, users string) string {
	values := make([]string, 0, len(ids))
	for _, id := range ids {
		values = append(values, labelValue(id))
	}
	filter := fmt.Sprintf("%s: containsAny {%s}", requirementKey, strings.Join(values, ", "))
	if users == "" {
		return filter
	}
	return fmt.Sprintf("(%s) && (%s)", filter, users)
}
