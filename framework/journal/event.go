package journal

import (
	"encoding/json"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Event is one of the types of this file.
type Event interface{ Kind() string }

// Record is an event with the place and time of its writing.
type Record struct {
	Time    time.Time
	Process string
	PID     int
	// Seq counts the records of one process from 1.
	Seq   int
	Event Event

	// order is Time made monotonic within the process's file.
	order time.Time
}

// RunStarted opens a run.
type RunStarted struct {
	RunID   string `json:"run_id"`
	Profile string `json:"profile"`
	// Cloud and Cluster are the user's words: "mock", "yandex"; "embedded", "existing".
	Cloud   string `json:"cloud"`
	Cluster string `json:"cluster"`
	// Version and Commit are the tool's.
	Version string `json:"version"`
	Commit  string `json:"commit"`
	// Reproduce is the command that repeats the run.
	Reproduce string `json:"reproduce"`
	// Selection is the user's filter of checks, if any.
	Selection string `json:"selection,omitempty"`
	// Chosen are the requirements that it selects; none means the whole profile.
	Chosen []string `json:"chosen,omitempty"`
}

// RunFinished closes a run: everything that could be done has been done.
type RunFinished struct{}

// Target identifies what was tested.
type Target struct {
	Endpoint          string `json:"endpoint"`
	CloudID           string `json:"cloud_id,omitempty"`
	FolderID          string `json:"folder_id,omitempty"`
	ClusterID         string `json:"cluster_id,omitempty"`
	KubernetesVersion string `json:"kubernetes_version,omitempty"`
	ReleaseChannel    string `json:"release_channel,omitempty"`
	Issuer            string `json:"issuer,omitempty"`
	JWKSURL           string `json:"jwks_url,omitempty"`
}

// Engine is what ran the target's clusters on this machine, and how long that alone
// took.
type Engine struct {
	Name string `json:"name"`
	// Host is what of this machine decided how.
	Host  []string     `json:"host,omitempty"`
	Steps []EngineStep `json:"steps,omitempty"`
}

// EngineStep sums up everything of one kind that an engine did.
type EngineStep struct {
	What  string        `json:"what"`
	Times int           `json:"times"`
	Took  time.Duration `json:"took_ns"`
}

// Feature says whether the target has a feature, and how that is known.
type Feature struct {
	Name    conformance.Feature `json:"name"`
	Present bool                `json:"present"`
	Reason  string              `json:"reason"`
}

// Planned announces the dependency graph of the provisioning, and its critical
// path as computed from the durations that the target declares for its
// operations (or that they usually take), never from measured ones.
type Planned struct {
	Nodes        []PlannedNode `json:"nodes"`
	CriticalPath []string      `json:"critical_path"`
	Length       time.Duration `json:"length_ns"`
	// Sum is that of all nodes' durations.
	Sum time.Duration `json:"sum_ns"`
}

// PlannedNode is a node of that graph.
type PlannedNode struct {
	Name  string   `json:"name"`
	After []string `json:"after,omitempty"`
}

// Phase says what is done to the nodes of the graph.
type Phase string

// The phases of a target's life.
const (
	Create Phase = "create"
	// LookUp is Create of a node that is the user's own, and is only read.
	LookUp Phase = "look-up"
	Delete Phase = "delete"
)

// NodeStarted says that work on a node of the graph has begun.
type NodeStarted struct {
	Phase Phase  `json:"phase"`
	Node  string `json:"node"`
	// Usual is how long it usually takes, see Planned; 0 if unknown.
	Usual time.Duration `json:"usual_ns,omitempty"`
}

// NodeWaiting says what the work on a node is waiting for.
type NodeWaiting struct {
	Phase Phase  `json:"phase"`
	Node  string `json:"node"`
	Text  string `json:"text"`
}

// NodeFinished says that work on a node has ended. Error is empty when it went
// well.
type NodeFinished struct {
	Phase    Phase         `json:"phase"`
	Node     string        `json:"node"`
	ID       string        `json:"id,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	Error    string        `json:"error,omitempty"`
}

// CheckStarted says that a check has begun.
type CheckStarted struct {
	Requirement string `json:"requirement"`
	Case        string `json:"case"`
	// Limit bounds the check; 0 if nothing does.
	Limit time.Duration `json:"limit_ns,omitempty"`
}

// Step is something that a check is doing.
type Step struct {
	Requirement string `json:"requirement"`
	Text        string `json:"text"`
}

// Called is a request to the target and what came back, without secrets: package
// transcript makes it. It belongs to the check that the process was making.
type Called struct {
	// Protocol is "HTTP" or "gRPC".
	Protocol string `json:"protocol"`
	// Method is "POST https://host/path", or "package.Service/Method".
	Method  string  `json:"method"`
	Request Message `json:"request"`
	Answer  Message `json:"answer"`
	// Status is "200 OK", or "PERMISSION_DENIED"; empty if nobody answered.
	Status string `json:"status,omitempty"`
	// Failed: the status is that of a failure.
	Failed bool `json:"failed,omitempty"`
	// Error is why there was no answer, or what the answer to a gRPC call says.
	Error     string `json:"error,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// Attempt counts a gRPC call's from 1.
	Attempt int           `json:"attempt,omitempty"`
	Took    time.Duration `json:"took_ns"`
	// Claims are those of the subject token of an exchange, if they can be read.
	Claims *Claims `json:"claims,omitempty"`
}

// Message is one side of a call.
type Message struct {
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

// Claims are a token's two readable parts, as they were written. Nobody verified
// them.
type Claims struct {
	Header  json.RawMessage `json:"header"`
	Payload json.RawMessage `json:"payload"`
}

// Compared sets the subject token of an exchange beside what the cloud knows of the
// service account, after a check of the exchange has failed.
type Compared struct {
	// First is the difference to mend first; empty if there is none.
	First  string `json:"first,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Problem is why no comparison could be made.
	Problem string        `json:"problem,omitempty"`
	Rows    []ComparedRow `json:"rows,omitempty"`
}

// ComparedRow is one thing that is compared.
type ComparedRow struct {
	About string `json:"about"`
	Token string `json:"token"`
	Setup string `json:"setup"`
	// Difference names how the two differ; empty if they do not.
	Difference string `json:"difference,omitempty"`
}

// Verdict decides one case of a requirement. Reason is set unless it passed.
type Verdict struct {
	Requirement string              `json:"requirement"`
	Case        string              `json:"case"`
	Verdict     conformance.Verdict `json:"verdict"`
	Reason      string              `json:"reason,omitempty"`
	// ByChoice marks a SKIPPED that the user asked for (a selection, --keep): it
	// does not count against the run.
	ByChoice bool          `json:"by_choice,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	// Location is file:line of the check.
	Location string `json:"location,omitempty"`
}

// Observed is behaviour that a check recorded and nobody judges.
type Observed struct {
	Requirement string `json:"requirement"`
	Case        string `json:"case"`
	Name        string `json:"name"`
	Value       string `json:"value"`
}

// Measured is how long the target took for something that a check waited for.
type Measured struct {
	Requirement string `json:"requirement"`
	// What is the same text wherever the same thing is measured.
	What     string        `json:"what"`
	Duration time.Duration `json:"duration_ns"`
}

// Problem is a failure of the engine that belongs to no single check, such as a
// target that could not be provisioned.
type Problem struct {
	// Where is a phase: "preflight", "provisioning", "suite", "teardown", "inventory".
	Where  string `json:"where"`
	Reason string `json:"reason"`
	// Usage marks wrong input of the user: the run ends with exit code 2.
	Usage bool `json:"usage,omitempty"`
}

// ResourceLeft names something that the teardown and the sweep left behind.
type ResourceLeft struct {
	Type   string `json:"type"`
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// ResourceMade says that something was made which the cloud charges for, by what it is
// called in the price table: For.
type ResourceMade struct {
	Type string   `json:"type"`
	ID   string   `json:"id"`
	Name string   `json:"name,omitempty"`
	For  []string `json:"for"`
}

// ResourceGone says that the cloud has deleted it.
type ResourceGone struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Inventory says that the search for left-over resources was made. Complete
// means that every list could be read.
type Inventory struct {
	Complete bool   `json:"complete"`
	Left     int    `json:"left"`
	Reason   string `json:"reason,omitempty"`
}

// Happened is an event of the cluster's own (core/v1 Event) about something of the run.
type Happened struct {
	// At is the cluster's time, in whole seconds mostly.
	At time.Time `json:"at"`
	// Of is the object's kind, "Pod".
	Of        string `json:"of"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Warning   bool   `json:"warning,omitempty"`
	// Reason is one word of the component's, Text its sentence.
	Reason string `json:"reason"`
	Text   string `json:"text,omitempty"`
}

// Log is a line for the human reader.
type Log struct {
	Level string `json:"level"`
	Text  string `json:"text"`
}

// Diagnostic names a file of the run folder with evidence of a failed check.
type Diagnostic struct {
	Requirement string `json:"requirement"`
	File        string `json:"file"`
}

// Exit is the end of a process of the run, or of the run itself.
type Exit struct {
	Program string `json:"program"`
	Code    int    `json:"code"`
	// Signal is set when a signal ended it.
	Signal string `json:"signal,omitempty"`
}

// Kind names the event's type in the file.
func (RunStarted) Kind() string   { return "run-started" }
func (RunFinished) Kind() string  { return "run-finished" }
func (Target) Kind() string       { return "target" }
func (Engine) Kind() string       { return "engine" }
func (Feature) Kind() string      { return "feature" }
func (Planned) Kind() string      { return "planned" }
func (NodeStarted) Kind() string  { return "node-started" }
func (NodeWaiting) Kind() string  { return "node-waiting" }
func (NodeFinished) Kind() string { return "node-finished" }
func (CheckStarted) Kind() string { return "check-started" }
func (Step) Kind() string         { return "step" }
func (Called) Kind() string       { return "called" }
func (Compared) Kind() string     { return "compared" }
func (Verdict) Kind() string      { return "verdict" }
func (Observed) Kind() string     { return "observed" }
func (Measured) Kind() string     { return "measured" }
func (Problem) Kind() string      { return "problem" }
func (ResourceLeft) Kind() string { return "resource-left" }
func (ResourceMade) Kind() string { return "resource-made" }
func (ResourceGone) Kind() string { return "resource-gone" }
func (Inventory) Kind() string    { return "inventory" }
func (Happened) Kind() string     { return "happened" }
func (Log) Kind() string          { return "log" }
func (Diagnostic) Kind() string   { return "diagnostic" }
func (Exit) Kind() string         { return "exit" }
