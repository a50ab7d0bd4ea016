package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// APIVersion and Kind identify the document.
const (
	APIVersion = "wlif-conformance/v1alpha1"
	Kind       = "ConformanceReport"
)

// Report is what is known of a run.
type Report struct {
	APIVersion   string        `json:"apiVersion"`
	Kind         string        `json:"kind"`
	Outcome      Outcome       `json:"outcome"`
	Run          Run           `json:"run"`
	Target       Target        `json:"target"`
	Features     Features      `json:"features"`
	Profiles     []Profile     `json:"profiles"`
	Requirements []Requirement `json:"requirements"`
	// Lost are requirements of the profile that a check should have decided and
	// none did, although the suite came to its end.
	Lost []string `json:"lost,omitempty"`
	// Propagation is how long the target took for what the checks waited for.
	Propagation  []Propagation `json:"propagation,omitempty"`
	Provisioning *Provisioning `json:"provisioning,omitempty"`
	// Paid are what a cloud charges for of that which the run made.
	Paid      []Paid    `json:"paid,omitempty"`
	Inventory Inventory `json:"inventory"`
	// Problems are failures of the engine that belong to no single requirement.
	Problems []Problem `json:"problems,omitempty"`
	// Diagnostics are files of the run folder with evidence of failures.
	Diagnostics []string `json:"diagnostics,omitempty"`
}

// Outcome is the run in one line.
type Outcome struct {
	ExitCode int    `json:"exitCode"`
	Text     string `json:"text"`
}

// Run identifies the run and the tool.
type Run struct {
	ID        string    `json:"id"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	Duration  Duration  `json:"duration"`
	Version   string    `json:"toolVersion"`
	Commit    string    `json:"toolCommit"`
	Profile   string    `json:"profile"`
	Selection string    `json:"selection,omitempty"`
	Reproduce string    `json:"reproduce"`
	// Complete is false when the journal has no end: the launcher was killed.
	Complete bool `json:"complete"`
	// Torn lists lines of the journal that could not be read.
	Torn []string `json:"torn,omitempty"`
}

// Target identifies what was tested.
type Target struct {
	Cloud             string `json:"cloud"`
	Cluster           string `json:"cluster"`
	Endpoint          string `json:"endpoint,omitempty"`
	CloudID           string `json:"cloudID,omitempty"`
	FolderID          string `json:"folderID,omitempty"`
	ClusterID         string `json:"clusterID,omitempty"`
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	ReleaseChannel    string `json:"releaseChannel,omitempty"`
	Issuer            string `json:"issuer,omitempty"`
	JWKSURL           string `json:"jwksURL,omitempty"`
	// Engine is nil where the run did not start the cloud.
	Engine *Engine `json:"engine,omitempty"`
}

// Engine is what ran the target's clusters, where they ran on this machine.
type Engine struct {
	Name string   `json:"name"`
	Host []string `json:"host,omitempty"`
	// Took is the sum of its steps, which may have overlapped.
	Took  Duration     `json:"took"`
	Steps []EngineStep `json:"steps,omitempty"`
}

// EngineStep sums up everything of one kind that the engine did.
type EngineStep struct {
	What  string   `json:"what"`
	Times int      `json:"times"`
	Took  Duration `json:"took"`
}

// Features of the target, as detected or declared.
type Features struct {
	Present []Feature `json:"present"`
	Lacking []Feature `json:"lacking"`
}

// Feature with how it is known.
type Feature struct {
	Name   conformance.Feature `json:"name"`
	Reason string              `json:"reason"`
}

// Profile is judged by the requirements it names.
type Profile struct {
	Name       string                      `json:"name"`
	Conformant bool                        `json:"conformant"`
	Text       string                      `json:"text"`
	Counts     map[conformance.Verdict]int `json:"counts"`
}

// Requirement with its verdict.
type Requirement struct {
	ID        string                `json:"id"`
	Level     conformance.Level     `json:"level"`
	Verdict   conformance.Verdict   `json:"verdict"`
	Reason    string                `json:"reason,omitempty"`
	ByChoice  bool                  `json:"byChoice,omitempty"`
	Duration  Duration              `json:"duration"`
	Statement string                `json:"statement"`
	Sources   []conformance.Source  `json:"sources"`
	Severity  conformance.Severity  `json:"severity"`
	Features  []conformance.Feature `json:"features,omitempty"`
	// Excluded: the catalogue says that no check can decide it.
	Excluded bool `json:"excluded,omitempty"`
	// Remediation is given where the verdict is FAIL.
	Remediation string `json:"remediation,omitempty"`
	Cases       []Case `json:"cases,omitempty"`
}

// Remark is what a table says beside the verdict: the reason, or what was
// recorded.
func (r Requirement) Remark() string {
	if r.Verdict != conformance.Recorded {
		return r.Reason
	}
	var cases []string
	for _, c := range r.Cases {
		var noted []string
		for _, o := range c.Observed {
			noted = append(noted, o.Name+" "+o.Value)
		}
		if len(noted) > 0 {
			cases = append(cases, c.Name+": "+strings.Join(noted, ", "))
		}
	}
	return strings.Join(cases, "; ")
}

// warning is a breach that does not count.
const warning = "FAIL (SHOULD)"

// Word is the verdict in a table, where a breach that does not count must not
// look like one that does.
func (r Requirement) Word() string {
	if r.Warns() {
		return warning
	}
	return string(r.Verdict)
}

// leftOut are the requirements that were not checked as the user asked, by the
// reason, in the order of the requirements.
func (r Report) leftOut() (reasons []string, ids map[string][]string) {
	ids = map[string][]string{}
	for _, q := range r.Requirements {
		if !q.Listed() {
			if ids[q.Reason] == nil {
				reasons = append(reasons, q.Reason)
			}
			ids[q.Reason] = append(ids[q.Reason], q.ID)
		}
	}
	return reasons, ids
}

// Listed says whether a requirement has a row of its own in a table: one that was
// left out by choice has none.
func (r Requirement) Listed() bool { return r.Verdict != conformance.Skipped || !r.ByChoice }

// Case is one check's part of a requirement.
type Case struct {
	Name     string              `json:"name"`
	Verdict  conformance.Verdict `json:"verdict"`
	Reason   string              `json:"reason,omitempty"`
	ByChoice bool                `json:"byChoice,omitempty"`
	Duration Duration            `json:"duration"`
	Location string              `json:"location,omitempty"`
	// Observed is what the check noted, in its order.
	Observed []Observation `json:"observed,omitempty"`
}

// Observation is behaviour that nobody judges.
type Observation struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Propagation sums up all measurements of one thing.
type Propagation struct {
	What  string `json:"what"`
	Count int    `json:"count"`
	// P50 and P95 are percentiles by nearest rank.
	P50 Duration `json:"p50"`
	P95 Duration `json:"p95"`
	Max Duration `json:"max"`
}

// Provisioning compares the wall time with what the graph makes possible.
type Provisioning struct {
	// Wall is measured, from the first node's start to the last one's end.
	Wall Duration `json:"wall"`
	// CriticalPath is computed from the graph and from the durations that the
	// target declares (or that operations usually take), never from measured ones.
	CriticalPath []string `json:"criticalPath,omitempty"`
	// CriticalLength is the sum of these durations on the path; 0 where nothing is
	// known.
	CriticalLength Duration `json:"criticalLength"`
	// ExpectedSum is the sum of all these durations.
	ExpectedSum Duration `json:"expectedSum"`
	// MeasuredSum is the sum of the measured durations of all nodes.
	MeasuredSum Duration `json:"measuredSum"`
	// Ratio is Wall / CriticalLength; 0 where nothing is known.
	Ratio float64 `json:"ratio,omitempty"`
	Nodes []Node  `json:"nodes"`
}

// Node of the provisioning graph.
type Node struct {
	Name     string   `json:"name"`
	After    []string `json:"after,omitempty"`
	Expected Duration `json:"expected"`
	// Start is measured from the start of the provisioning.
	Start Duration `json:"start"`
	Took  Duration `json:"took"`
	Error string   `json:"error,omitempty"`
}

// Inventory is the search for what was left.
type Inventory struct {
	// Made and Complete: whether it was made, and every list could be read.
	Made     bool       `json:"made"`
	Complete bool       `json:"complete"`
	Reason   string     `json:"reason,omitempty"`
	Left     []Resource `json:"left"`
}

// Resource that was left behind.
type Resource struct {
	Type   string `json:"type"`
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Problem of the engine.
type Problem struct {
	Where  string `json:"where"`
	Reason string `json:"reason"`
}

// Duration is written as Go writes durations, rounded to milliseconds.
type Duration time.Duration

// String renders the duration, rounded to what a reader can use.
func (d Duration) String() string { return time.Duration(d).Round(time.Millisecond).String() }

// MarshalJSON writes the string form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the string form.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}
