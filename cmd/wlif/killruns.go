package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/killmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// thrift is for many programs that share few processors and have memory enough: more
// threads than one only look for work, and rare collections are cheap.
var thrift = map[string]string{"GOMAXPROCS": "1", "GOGC": "400"}

// bugRunTimeouts are those that a run waits out when a bug keeps a change from
// ever taking effect; everything of the mock happens at once. Many runs are made at
// once, so that each has one process.
var bugRunTimeouts = []string{"--procs=1", "--timeout-propagation=8s", "--timeout-exchange=20s", "--timeout-delete=45s"}

// runSuite runs the suite in a folder of the bug's own.
func (k *killer) runSuite(ctx context.Context, b bugs.Bug) (_ suiteRun, err error) {
	folder, err := k.mock.addFolder(ctx, strings.ToLower(b.Name))
	if err != nil {
		return suiteRun{}, err
	}
	if b.Name != noBug.Name {
		if err = k.mock.setBugs(ctx, folder, b.Name); err != nil {
			return suiteRun{}, err
		}
	}
	requirements, control := killmatrix.Plan(b, k.full), b.Name == noBug.Name
	if control {
		requirements = killmatrix.ControlPlan(k.full)
	}
	args := append(k.arguments(folder, requirements), bugRunTimeouts...)
	if control {
		args = append(args, "--procs=4") // it has more to do than any other
	}
	args = append(args, "--other-cluster-id="+k.other.ID, fmt.Sprintf("--second-cluster=%t", control || k.full || killmatrix.NeedsCluster(b)), fmt.Sprintf("--slow=%t", killmatrix.IsSlow(b)))
	of := k.cluster
	if borrows(b) {
		var lent lentCluster
		if lent, err = k.borrow(ctx, b); err != nil {
			return suiteRun{}, err
		}
		defer func() { err = errors.Join(err, k.giveBack(context.WithoutCancel(ctx), lent)) }()
		of = lent.Cluster
	}
	if !b.FromBirth {
		args = append(args, onExisting(of)...)
	}
	return k.launch(ctx, b.Name, args)
}

// arguments are those of a run in a folder.
func (k *killer) arguments(folder string, requirements []string) []string {
	return []string{"run", "--profile=full", "--requirement=" + strings.Join(requirements, ","),
		"--folder-id=" + folder, "--other-folder-id=" + k.cfg.OtherFolderID, "--cloud-id=" + k.cfg.CloudID,
		"--endpoint=" + k.cfg.Endpoint, "--token-endpoint=" + k.cfg.TokenEndpoint, "--storage-endpoint=" + k.cfg.StorageEndpoint,
		"--payload-endpoint=" + k.cfg.PayloadEndpoint, "--audit-log=" + k.audit(),
		"--web-host-address=" + k.cfg.WebHost.Address, "--web-host-certificate=" + k.cfg.WebHost.Certificate, "--web-host-key=" + k.cfg.WebHost.Key,
		"--forging-keys=" + k.keys(), "--lacks=" + strings.Join(k.lacking(), ",")}
}

// suiteRun is a run as its journal tells of it, without the calls.
type suiteRun struct {
	report report.Report
	folder string
}

// writeReports makes the reports, which only who looks for a fault reads: for every run
// they would be a twentieth of the work.
func (r suiteRun) writeReports() error {
	records, torn, err := journal.Read(r.folder)
	if err != nil {
		return err
	}
	return writeReports(r.folder, report.Build(records, torn), records, "")
}

// launch runs this program and reads the run's journal; that the run is red is what
// is wanted.
func (k *killer) launch(ctx context.Context, name string, args []string) (suiteRun, error) {
	out := filepath.Join(k.out, name)
	if err := k.start(ctx, append(args, "--journal-only", "--out="+out), out); err != nil {
		return suiteRun{}, err
	}
	made, err := readRun(out)
	if err != nil {
		return made, fmt.Errorf("reading the run for %s: %w", name, err)
	}
	return made, nil
}

// readRun reads the journal of the one run in a folder, which must have come to its end.
func readRun(out string) (suiteRun, error) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return suiteRun{}, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !e.IsDir() })
	if len(entries) != 1 {
		return suiteRun{}, fmt.Errorf("there are %d runs in %s, not one", len(entries), out)
	}
	folder := filepath.Join(out, entries[0].Name())
	records, torn, err := journal.Read(folder, journal.Called{}.Kind())
	if err != nil {
		return suiteRun{}, err
	}
	if !slices.ContainsFunc(records, func(r journal.Record) bool { _, last := r.Event.(journal.RunFinished); return last }) {
		return suiteRun{}, fmt.Errorf("the journal in %s has no end: the run was killed", folder)
	}
	return suiteRun{report: report.Build(records, torn), folder: folder}, nil
}

// environment is that of a run.
func (k *killer) environment() []string {
	env := append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "WLIF_") || strings.HasPrefix(v, "YC_")
	}), append(k.cfg.Environ(), "XDG_STATE_HOME="+k.state)...)
	// A run talks to the mock alone. To read all public roots takes each of its programs
	// as long as to start.
	env = append(env, "SSL_CERT_FILE="+k.mock.announced.CAFile, "SSL_CERT_DIR="+filepath.Join(k.state, "no-others"))
	for name, value := range thrift {
		if _, told := os.LookupEnv(name); !told {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// start runs this program to its end.
func (k *killer) start(ctx context.Context, args []string, out string) error {
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(out, "run.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // G304: the command's own folder
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.CommandContext(ctx, k.self, args...)                             //nolint:gosec // G204: this program itself
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // a run tears down
	command.Env = k.environment()
	command.Stdout, command.Stderr = log, log
	if err := startPatiently(command); err != nil {
		return fmt.Errorf("starting a run: %w", err)
	}
	_ = command.Wait() // its journal says how it ended
	return ctx.Err()
}
