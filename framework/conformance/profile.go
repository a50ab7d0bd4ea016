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

// The profiles that are more than one area.
const (
	ProfileCore = "core"
	ProfileFull = "full"
)

// Profiles lists the profiles: `core`, which is the tutorial and the invariant
// that its last section demands; every other area with the invariants, which
// hold for every run; and `full`.
func Profiles() []Profile {
	core := Profile{Name: ProfileCore, Description: "the Managed Kubernetes tutorial from an empty folder to a payload, and back to an empty folder"}
	full := Profile{Name: ProfileFull, Description: "every requirement of the catalogue"}
	var (
		invariants []string
		byArea     []Profile
	)
	for _, r := range Catalogue() {
		full.Requirements = append(full.Requirements, r.ID)
		switch {
		case r.AtTheEnd():
			invariants = append(invariants, r.ID)
		case r.Area == areaTutorial:
			core.Requirements = append(core.Requirements, r.ID)
		case len(byArea) == 0 || byArea[len(byArea)-1].Name != r.Area:
			byArea = append(byArea, Profile{Name: r.Area, Description: "the area " + r.Area, Requirements: []string{r.ID}})
		default:
			last := &byArea[len(byArea)-1]
			last.Requirements = append(last.Requirements, r.ID)
		}
	}
	core.Requirements = append(core.Requirements, NothingLeftBehind)
	for i := range byArea {
		byArea[i].Requirements = append(byArea[i].Requirements, invariants...)
	}
	return slices.Concat([]Profile{core}, byArea, []Profile{full})
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
