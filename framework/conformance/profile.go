package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is a named set of requirements that a target is judged by.
type Profile struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Requirements are ids, in the catalogue's order.
	Requirements []string `json:"requirements"`
}

// Profiles lists the profiles. `core` is the tutorial and the invariants of a
// run that the tutorial's own last section demands; the other areas get one
// profile each.
func Profiles() []Profile {
	var core []string
	for _, r := range Catalogue() {
		if r.Area == areaTutorial || r.ID == NothingLeftBehind {
			core = append(core, r.ID)
		}
	}
	return []Profile{{
		Name:         "core",
		Description:  "the Managed Kubernetes tutorial from an empty folder to a payload, and back to an empty folder",
		Requirements: core,
	}}
}

// FindProfile looks a profile up by name; the error names the known ones.
func FindProfile(name string) (Profile, error) {
	all := Profiles()
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	names := make([]string, 0, len(all))
	for _, p := range all {
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("there is no profile %q; known: %s", name, strings.Join(names, ", "))
}
