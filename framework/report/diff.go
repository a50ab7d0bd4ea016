package report

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Changes is how a run's report differs from that of an earlier one.
type Changes struct {
	Before Run `json:"before"`
	Now    Run `json:"now"`
	// Targets are the lines of the target's identity that differ.
	Targets  []Change `json:"targets,omitempty"`
	Verdicts []Change `json:"verdicts,omitempty"`
	// Lost are requirements that a check decided before and none does now, with the
	// reason that the report gives for it.
	Lost []Change `json:"lost,omitempty"`
	// Added are requirements that no check decided before.
	Added []Change `json:"added,omitempty"`
	// Durations are those of the run and of requirements that differ by a second and
	// by half or more.
	Durations []Change `json:"durations,omitempty"`
	// Facts are observations of behaviour that nobody judges.
	Facts []Change `json:"facts,omitempty"`
}

// Change is one thing that was one way and is another.
type Change struct {
	What   string `json:"what"`
	Before string `json:"before"`
	Now    string `json:"now"`
	Reason string `json:"reason,omitempty"`
}

// None says whether nothing differs that could matter: durations may.
func (c Changes) None() bool {
	return len(c.Targets)+len(c.Verdicts)+len(c.Lost)+len(c.Added)+len(c.Facts) == 0
}

// Regressed says whether something is worse: a check was lost, or a requirement that
// was kept or recorded no longer is.
func (c Changes) Regressed() bool {
	return len(c.Lost) > 0 || slices.ContainsFunc(c.Verdicts, func(v Change) bool {
		return v.Now == string(conformance.Fail) || v.Now == string(conformance.Error)
	})
}

// Comparable says whether two reports are of the same kind of target and of the same
// requirements, so that a difference means something.
func (r Report) Comparable(other Report) bool {
	return r.APIVersion == other.APIVersion && r.Run.Profile == other.Run.Profile && r.Run.Selection == other.Run.Selection &&
		r.Target.Cloud == other.Target.Cloud && r.Target.Cluster == other.Target.Cluster
}

// Diff compares two reports.
func Diff(before, now Report) Changes {
	c := Changes{Before: before.Run, Now: now.Run}
	c.targets(before, now)
	if d, ok := slower("the whole run", before.Run.Duration, now.Run.Duration); ok {
		c.Durations = append(c.Durations, d)
	}
	was, is := byID(before), byID(now)
	for _, q := range now.Requirements {
		old, known := was[q.ID]
		switch {
		case !q.decided() && known && old.decided():
			c.Lost = append(c.Lost, Change{q.ID, string(old.Verdict), string(q.Verdict), q.Reason})
		case q.decided() && (!known || !old.decided()):
			c.Added = append(c.Added, Change{What: q.ID, Before: cmp.Or(string(old.Verdict), "not in the report"), Now: string(q.Verdict), Reason: q.failure()})
		case known && old.Verdict != q.Verdict:
			c.Verdicts = append(c.Verdicts, Change{q.ID, string(old.Verdict), string(q.Verdict), q.Reason})
		}
		if !known || !q.decided() || !old.decided() {
			continue
		}
		if d, ok := slower(q.ID, old.Duration, q.Duration); ok {
			c.Durations = append(c.Durations, d)
		}
		c.facts(old, q)
	}
	for _, q := range before.Requirements {
		if _, still := is[q.ID]; !still && q.decided() {
			c.Lost = append(c.Lost, Change{q.ID, string(q.Verdict), "not in the report", ""})
		}
	}
	return c
}

func byID(r Report) map[string]Requirement {
	out := map[string]Requirement{}
	for _, q := range r.Requirements {
		out[q.ID] = q
	}
	return out
}

// decided says whether a check said something about the target.
func (r Requirement) decided() bool {
	return slices.ContainsFunc(r.Cases, func(c Case) bool {
		return slices.Contains([]conformance.Verdict{conformance.Pass, conformance.Fail, conformance.Recorded}, c.Verdict)
	})
}

// failure is the reason of a verdict that is worth a look.
func (r Requirement) failure() string {
	if r.Verdict == conformance.Fail || r.Verdict == conformance.Error {
		return r.Reason
	}
	return ""
}

func (c *Changes) targets(before, now Report) {
	for _, f := range []struct {
		what string
		of   func(Report) string
	}{
		{"cloud", func(r Report) string { return r.Target.Cloud }},
		{"cluster", func(r Report) string { return r.Target.Cluster }},
		{"Kubernetes", func(r Report) string { return r.Target.KubernetesVersion }},
		{"release channel", func(r Report) string { return r.Target.ReleaseChannel }},
		{"profile", func(r Report) string { return r.Run.Profile }},
		{"tool", func(r Report) string { return strings.TrimSpace(r.Run.Version + " " + r.Run.Commit) }},
		{"features lacking", func(r Report) string { return features(r.Features.Lacking) }},
	} {
		if old, is := f.of(before), f.of(now); old != is {
			c.Targets = append(c.Targets, Change{What: f.what, Before: cmp.Or(old, "none"), Now: cmp.Or(is, "none")})
		}
	}
}

func slower(what string, before, now Duration) (Change, bool) {
	less, more := time.Duration(min(before, now)), time.Duration(max(before, now))
	if more-less < time.Second || more < less+less/2 {
		return Change{}, false
	}
	return Change{What: what, Before: before.String(), Now: now.String()}, true
}

// facts compares what two runs observed.
func (c *Changes) facts(before, now Requirement) {
	was, is := observed(before), observed(now)
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if old, known := was[key]; known && old != is[key] {
			c.Facts = append(c.Facts, Change{What: now.ID + " " + key, Before: old, Now: is[key]})
		}
	}
}

// ofOneRun are what differs between any two runs: ids of the cloud, UUIDs, times.
var ofOneRun = regexp.MustCompile(`\b[a-z][a-z0-9]{19}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d{4}-\d{2}-\d{2}T[\d:.]+Z?|\bwlif-[a-z0-9]{8}\b|\b\d+(\.\d+)?(ms|s|m)\b|127\.0\.0\.1:\d+`)

func observed(r Requirement) map[string]string {
	out := map[string]string{}
	for _, one := range r.Cases {
		for _, o := range one.Observed {
			key := one.Name + ": " + o.Name
			out[key] = strings.TrimPrefix(out[key]+", "+ofOneRun.ReplaceAllString(o.Value, "…"), ", ")
		}
	}
	return out
}
