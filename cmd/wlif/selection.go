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
	// text is the user's own choice, for the report; empty without one.
	text string
}

// selectChecks refuses an unknown profile, patterns that no requirement of the
// profile matches, and a label filter that cannot be read or selects nothing.
func selectChecks(cfg *config.Config) (selection, error) {
	refuse := func(key, value, message string, allowed ...string) (selection, error) {
		return selection{}, &config.Error{Problems: []config.Problem{{Key: key, Value: value, Source: cfg.Origins[key], Message: message, Allowed: allowed}}}
	}
	profile, err := conformance.FindProfile(cfg.Profile)
	if err != nil {
		return refuse("profile", cfg.Profile, err.Error())
	}
	chosen := profile.Requirements
	var words []string
	if len(cfg.Requirements) > 0 {
		if chosen, err = matching(profile.Requirements, cfg.Requirements); err != nil {
			return refuse("requirements", strings.Join(cfg.Requirements, ","), err.Error(), profile.Requirements...)
		}
		if slices.Equal(chosen, []string{conformance.NothingLeftBehind}) {
			return refuse("requirements", strings.Join(cfg.Requirements, ","), "names only what the end of every run decides; choose a check too", profile.Requirements...)
		}
		words = append(words, "requirements "+strings.Join(cfg.Requirements, ", "))
	}
	if cfg.LabelFilter != "" {
		users, err := types.ParseLabelFilter(cfg.LabelFilter)
		if err != nil {
			return refuse("label_filter", cfg.LabelFilter, "is no label filter; https://onsi.github.io/ginkgo/#spec-labels describes them")
		}
		// The end of every run decides that one, and no check does.
		checked := slices.DeleteFunc(slices.Clone(chosen), func(id string) bool { return id == conformance.NothingLeftBehind })
		if !check.Selects(checked, users) {
			return refuse("label_filter", cfg.LabelFilter, "selects none of the checks; one that selects a check is \""+check.Filter(checked[:1], "")+"\"")
		}
		words = append(words, "label filter "+cfg.LabelFilter)
	}
	return selection{filter: check.Filter(chosen, cfg.LabelFilter), text: strings.Join(words, "; ")}, nil
}

func matching(ids, patterns []string) ([]string, error) {
	var chosen []string
	for _, pattern := range patterns {
		found := false
		for _, id := range ids {
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
			return nil, fmt.Errorf("%q matches no requirement of the profile", pattern)
		}
	}
	return chosen, nil
}
