package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Merge joins the reports of shards: runs of one profile against one kind of target,
// each with a selection of its own. Every requirement is judged by all its cases of
// all shards; one that no shard decided keeps what the first shard that was asked
// for it says. Times, problems and what was left behind are those of all.
func Merge(shards ...Report) (Report, error) {
	if len(shards) == 0 {
		return Report{}, errors.New("merging reports: there is none")
	}
	first := shards[0]
	merged := Report{APIVersion: APIVersion, Kind: Kind, Run: first.Run, Target: first.Target, Features: first.Features}
	merged.Run.Selection, merged.Run.Reproduce = "", ""
	merged.Inventory = Inventory{Made: true, Complete: true, Left: []Resource{}}
	var ids, commands []string
	for _, s := range shards {
		if err := first.mergeable(s); err != nil {
			return Report{}, err
		}
		if slices.Contains(ids, s.Run.ID) {
			return Report{}, fmt.Errorf("merging reports: run %s is there twice", s.Run.ID)
		}
		ids, commands = append(ids, s.Run.ID), append(commands, s.Run.Reproduce)
		merged.add(s)
	}
	merged.Run.ID, merged.Run.Reproduce = strings.Join(ids, "+"), strings.Join(commands, "\n")
	merged.Run.Duration = Duration(merged.Run.Ended.Sub(merged.Run.Started))
	merged.requirements(shards)
	b := builder{report: merged}
	profile, err := conformance.FindProfile(merged.Run.Profile)
	b.report.Profiles = []Profile{b.profile(cmp.Or(profile.Name, "catalogue"), func(id string) bool {
		return err != nil || slices.Contains(profile.Requirements, id)
	})}
	b.conclude()
	return b.report, nil
}

func (r Report) mergeable(other Report) error {
	for _, f := range []struct{ what, one, two string }{
		{"API version", r.APIVersion, other.APIVersion}, {"profile", r.Run.Profile, other.Run.Profile}, {"cloud", r.Target.Cloud, other.Target.Cloud},
		{"cluster", r.Target.Cluster, other.Target.Cluster}, {"Kubernetes", r.Target.KubernetesVersion, other.Target.KubernetesVersion},
		{"tool", r.Run.Version + " " + r.Run.Commit, other.Run.Version + " " + other.Run.Commit},
	} {
		// A run that ended early may not know its cluster.
		if f.one != f.two && f.one != "" && f.two != "" {
			return fmt.Errorf("merging reports: the %s of run %s is %q, and that of run %s %q; shards are parts of one run", f.what, r.Run.ID, f.one, other.Run.ID, f.two)
		}
	}
	return nil
}

// add takes over what a shard has beside its requirements.
func (r *Report) add(s Report) {
	if s.Run.Started.Before(r.Run.Started) {
		r.Run.Started = s.Run.Started
	}
	if s.Run.Ended.After(r.Run.Ended) {
		r.Run.Ended = s.Run.Ended
	}
	r.Run.Complete = r.Run.Complete && s.Run.Complete
	r.Problems = append(r.Problems, s.Problems...)
	r.Paid = append(r.Paid, s.Paid...)
	r.Inventory.Left = append(r.Inventory.Left, s.Inventory.Left...)
	r.Inventory.Made = r.Inventory.Made && s.Inventory.Made
	r.Inventory.Complete = r.Inventory.Complete && s.Inventory.Complete
	r.Inventory.Reason = cmp.Or(r.Inventory.Reason, s.Inventory.Reason)
	if s.Run.ID != r.Run.ID {
		r.Run.Torn = append(r.Run.Torn, s.Run.Torn...)
	}
}

// requirements judges what the shards decided, in the catalogue's order.
func (r *Report) requirements(shards []Report) {
	var order []string
	found := map[string][]Requirement{}
	for _, s := range shards {
		for _, q := range s.Requirements {
			found[q.ID] = append(found[q.ID], q)
			if !slices.Contains(order, q.ID) {
				order = append(order, q.ID)
			}
		}
		for _, id := range s.Lost {
			if !slices.Contains(r.Lost, id) {
				r.Lost = append(r.Lost, id)
			}
		}
	}
	place := map[string]int{}
	for i, q := range conformance.Catalogue() {
		place[q.ID] = i
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(place[a], place[b]) })
	for _, id := range order {
		r.Requirements = append(r.Requirements, mergeOne(found[id]))
	}
	r.Lost = slices.DeleteFunc(r.Lost, func(id string) bool {
		return slices.ContainsFunc(found[id], func(q Requirement) bool { return len(q.Cases) > 0 })
	})
}

// mergeOne judges one requirement. What a shard left out by choice counts only if
// every shard did.
func mergeOne(of []Requirement) Requirement {
	asked := slices.DeleteFunc(slices.Clone(of), func(q Requirement) bool { return !q.Listed() })
	if len(asked) == 0 {
		return of[0]
	}
	out := asked[0]
	out.Duration, out.Cases = 0, nil
	for _, q := range asked {
		out.Cases = append(out.Cases, q.Cases...)
	}
	if len(out.Cases) == 0 {
		return asked[0]
	}
	out.sumUp()
	out.Remediation = ""
	if out.Verdict == conformance.Fail {
		for _, q := range asked {
			out.Remediation = cmp.Or(out.Remediation, q.Remediation)
		}
	}
	return out
}
