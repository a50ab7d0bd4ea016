// Package runfolder is the layout of the folder that a run writes to, and the
// files in it through which the launcher, the suite's processes and later
// commands hand each other what they know. None of them holds a secret.
package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// Folder is the path of a run's folder.
type Folder string

const timeLayout = "20060102T150405Z"

// Create makes OUT/<UTC time>-<run id>, mode 0700.
func Create(out, runID string, started time.Time) (Folder, error) {
	path, err := filepath.Abs(filepath.Join(out, started.UTC().Format(timeLayout)+"-"+runID))
	if err != nil {
		return "", fmt.Errorf("making the folder of the run: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("making the folder of the runs: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of the run: %w", err)
	}
	return Folder(path), nil
}

// Path is that of a file in the folder.
func (f Folder) Path(name string) string { return filepath.Join(string(f), name) }

// ConfigFile is the resolved configuration.
func (f Folder) ConfigFile() string { return f.Path("config.json") }

// AuditLog is a line of JSON about each call, where the run started the cloud.
func (f Folder) AuditLog() string { return f.Path("audit.jsonl") }

// SuiteLog is what Ginkgo printed.
func (f Folder) SuiteLog() string { return f.Path("suite.log") }

// ClusterLogs is where the logs of clusters go when something failed.
func (f Folder) ClusterLogs() string { return f.Path("cluster-logs") }

// Diagnostics is where evidence of a requirement's failure is kept.
func (f Folder) Diagnostics(requirement string) string {
	return f.Path(filepath.Join("diagnostics", strings.ReplaceAll(requirement, "/", "-")))
}

// Run is what the suite must know of the run beside its configuration.
type Run struct {
	RunID string `json:"run_id"`
	// Launcher is the process that waits for the suite and reports.
	Launcher int `json:"launcher"`
	// StateDir is where the run's ledger is.
	StateDir string `json:"state_dir"`
	// Filter is the label filter that the suite runs with.
	Filter string `json:"filter"`
	// Asked says the same in the user's words.
	Asked string `json:"asked"`
	// CollectLogs is a command that writes the logs of the target's clusters into
	// the folder ClusterLogs; empty if there is none.
	CollectLogs []string `json:"collect_logs,omitempty"`
	// Pause is where the suite asks to wait after a check that failed (package pause);
	// empty: it does not.
	Pause string `json:"pause,omitempty"`
	// Lacking are features that the target says it lacks.
	Lacking []conformance.Feature `json:"lacking,omitempty"`
}

// SharedTargetCase is the case of tutorial/deleted that the deletion of the shared
// target decides: in the suite's teardown, or in the launcher's if the suite did
// not come to it.
const SharedTargetCase = "the shared target is deleted after the checks"

// SaveRun and LoadRun hand Run over.
func (f Folder) SaveRun(r Run) error { return f.save("run.json", r) }

// LoadRun reads what SaveRun wrote.
func (f Folder) LoadRun() (Run, error) { return load[Run](f, "run.json") }

// SaveTarget and LoadTarget hand the provisioned target over.
func (f Folder) SaveTarget(t provision.Target) error { return f.save("target.json", t) }

// LoadTarget reads what SaveTarget wrote; it is os.ErrNotExist before that.
func (f Folder) LoadTarget() (provision.Target, error) {
	return load[provision.Target](f, "target.json")
}

func (f Folder) save(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	file, err := os.CreateTemp(string(f), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.Path(name))
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

func load[T any](f Folder, name string) (T, error) {
	var value T
	text, err := os.ReadFile(f.Path(name))
	if err != nil {
		return value, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return value, fmt.Errorf("reading %s: %w", f.Path(name), err)
	}
	return value, nil
}
