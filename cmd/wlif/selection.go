package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// selection is which checks a run makes.
type selection struct {
	// filter is the label filter for Ginkgo.
	filter string
	// text is the user's own choice beside the profile, for the report, and ids what
	// it selects; both are empty without one.
	text string
	ids  []string
	// asked is profile and choice in words.
	asked string
}

// selectChecks refuses an unknown profile, patterns that no requirement of the
// profile matches, a label filter that cannot be read, and whatever selects no
// check.
func selectChecks(cfg *config.Config) (selection, error) {
	refuse := func(key, value, message string) (selection, error) {
		return selection{}, &config.Error{Problems: []config.Problem{{Key: key, Value: value, Source: cfg.Origins[key], Message: message}}}
	}
	profile, err := conformance.FindProfile(cfg.Profile)
	if err != nil {
		return refuse("profile", cfg.Profile, err.Error())
	}
	for _, name := range cfg.Lacks {
		if !slices.ContainsFunc(conformance.Features(), func(f conformance.FeatureInfo) bool { return string(f.Name) == name }) {
			return refuse("lacks", name, "is no feature; known: "+featureNames())
		}
	}
	chosen := profile.Requirements
	var words []string
	asked := func() string { return strings.Join(append([]string{"profile " + profile.Name}, words...), "; ") }
	if len(cfg.Requirements) > 0 {
		patterns := strings.Join(cfg.Requirements, ",")
		if chosen, err = matching(profile, cfg.Requirements); err != nil {
			return refuse("requirements", patterns, err.Error())
		}
		if len(checked(chosen)) == 0 {
			return refuse("requirements", patterns, "names only what no check decides ("+undecidable(chosen)+"); choose a check too")
		}
		words = append(words, "requirements "+few(cfg.Requirements))
	}
	if cfg.LabelFilter != "" {
		users, err := types.ParseLabelFilter(cfg.LabelFilter)
		if err != nil {
			return refuse("label_filter", cfg.LabelFilter, "is no label filter; https://onsi.github.io/ginkgo/#spec-labels describes them")
		}
		selected := check.Select(checked(chosen), users)
		if len(selected) == 0 {
			return refuse("label_filter", cfg.LabelFilter, "selects no check of "+asked()+"; a check has the labels of its area (tutorial), its level (must, should, record), slow if it is, and one such as "+check.Label(checked(chosen)[0].ID))
		}
		chosen = idsOf(selected)
		words = append(words, "label filter "+cfg.LabelFilter)
	}
	s := selection{filter: check.Filter(idsOf(checked(chosen)), cfg.LabelFilter), text: strings.Join(words, "; "), asked: asked()}
	if s.text != "" {
		s.ids = idsOf(checked(chosen))
	}
	return s, nil
}

func featureNames() string {
	var names []string
	for _, f := range conformance.Features() {
		names = append(names, string(f.Name))
	}
	return strings.Join(names, ", ")
}

// checked gives the requirements that checks decide.
func checked(ids []string) []conformance.Requirement {
	return slices.DeleteFunc(conformance.Catalogue(), func(r conformance.Requirement) bool {
		return !slices.Contains(ids, r.ID) || r.AtTheEnd() || r.Excluded != ""
	})
}

func idsOf(requirements []conformance.Requirement) []string {
	ids := make([]string, 0, len(requirements))
	for _, r := range requirements {
		ids = append(ids, r.ID)
	}
	return ids
}

// undecidable says of requirements why no check decides them.
func undecidable(ids []string) string {
	var reasons []string
	for _, id := range ids {
		r, _ := conformance.Lookup(id)
		reason := r.Excluded
		if r.AtTheEnd() {
			reason = "the end of every run decides it"
		}
		reasons = append(reasons, id+": "+reason)
	}
	return strings.Join(reasons, "; ")
}

func matching(profile conformance.Profile, patterns []string) ([]string, error) {
	var chosen []string
	for _, pattern := range patterns {
		found := false
		for _, id := range profile.Requirements {
			ok, err := path.Match(pattern, id)
			if err != nil {
				return nil, fmt.Errorf("%q is not a pattern", pattern)
			}
			if ok && !slices.Contains(chosen, id) {
				chosen = append(chosen, id)
			}
			found = found || ok
		}
		if !found {
			return nil, fmt.Errorf("%q matches no requirement of the profile %s; `wlif catalogue --profile %[2]s` lists them", pattern, profile.Name)
		}
	}
	return chosen, nil
}

// few names the first of a list: every check that is not made says what was asked
// for, and the whole list is in the words that reproduce the run.
func few(list []string) string {
	const most = 4
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most-1], ", "), len(list)-most+1)
}
