package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/killmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// killer runs the suite against bugs of one mock.
type killer struct {
	killFlags
	mock *mockProcess
	cfg  *config.Config
	// cluster is what most runs share, and other what all have for their other cluster.
	cluster, other provision.Cluster
	self           string
	// environ is what this process was started with.
	environ []string
	console *console
	// state is where the runs' ledgers are: in memory, where there is such a place.
	// They die with the mock, and a disk takes its time for each line.
	state string
}

// noBug stands for none: what runs with it is the control.
var noBug = bugs.Bug{Name: "control"}

// roomy are settings of a mock with a folder for each bug, whose runs are at the
// same time: quotas are for the whole cloud. What is waited for in vain is short.
var roomy = map[string]any{
	"quotas": map[string]int{"iam.oidcWLIFederations.count": 1000, "iam.saFederatedCredentials.count": 5000, "iam.serviceAccounts.count": 2000,
		"iam.accessBindings.count": 100_000, "vpc.networks.count": 500, "managed-kubernetes.clusters.count": 500},
	"jwks": map[string]string{"timeout": "3s"},
}

// open starts the mock and the clusters that the runs share.
func (k *killer) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(k.out, 0o700); err != nil {
		return err
	}
	memory := "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		memory = ""
	}
	if k.state, err = os.MkdirTemp(memory, "wlif-bugs-"); err != nil {
		return err
	}
	if err := issuer.WriteStock(k.keys()); err != nil {
		return err
	}
	say := func(line string) { k.console.say("mock: %s", line) }
	if k.mock, err = startMock(ctx, mockOptions{cfg: k.cfg, runID: provision.NewRunID(), audit: k.audit(), say: say}); err != nil {
		return err
	}
	if err := k.mock.apply(k.cfg); err != nil {
		return err
	}
	if err := k.mock.admin(ctx, http.MethodPatch, "/settings", roomy, nil); err != nil {
		return fmt.Errorf("preparing the mock for many folders: %w", err)
	}
	client, err := connect(ctx, k.cfg, "")
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(context.WithoutCancel(ctx)) }() // nothing can be lost
	ledger, err := provision.CreateLedger(k.mock.dir, provision.Header{RunID: provision.NewRunID(), Owner: owner(), FolderID: k.cfg.FolderID, Started: time.Now()})
	if err != nil {
		return err
	}
	defer ledger.Close()
	fixtures := provision.NewFixtures(provision.Options{Config: k.cfg, Client: client, Ledger: ledger}, nil)
	var both errgroup.Group
	both.Go(func() (err error) {
		k.cluster, err = fixtures.Cluster(ctx, "shared", provision.ClusterSpec{Nodes: true})
		return err
	})
	if !k.outages {
		both.Go(func() (err error) {
			k.other, err = fixtures.Cluster(ctx, "other", provision.ClusterSpec{})
			return err
		})
	}
	return both.Wait()
}

// lacking are the features that no run has. What Terraform makes is proven to fail by
// tests of its own.
func (k *killer) lacking() []string {
	return append(slices.Clone(k.mock.announced.ClusterFeaturesLacking), string(conformance.Terraform))
}

// keys is the file of the keys that all runs forge tokens with: each making its own would
// take a twentieth of the whole time.
func (k *killer) keys() string { return filepath.Join(k.state, "forging-keys.pem") }

func (k *killer) audit() string { return filepath.Join(k.out, "audit.jsonl") }

// close ends the mock, and the shared cluster with it.
func (k *killer) close(ctx context.Context) error {
	var err error
	if k.mock != nil {
		err = k.mock.stop(ctx)
	}
	if k.state == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(k.state))
}

// runAll runs the suite for every bug, several at once. A quarter of the places is
// for bugs whose runs make clusters: these compute, where the others wait.
func (k *killer) runAll(ctx context.Context, chosen []bugs.Bug) []killmatrix.Result {
	results := make([]killmatrix.Result, len(chosen))
	light, heavy := make(chan int, len(chosen)), make(chan int, len(chosen))
	for i, b := range chosen {
		if k.full || b.OwnCluster || killmatrix.NeedsCluster(b) {
			heavy <- i
		} else {
			light <- i
		}
	}
	close(light)
	close(heavy)
	var workers sync.WaitGroup
	serve := func(places int, bugs <-chan int) {
		for range places {
			workers.Go(func() {
				for i := range bugs {
					if ctx.Err() != nil {
						return
					}
					results[i] = k.runBug(ctx, chosen[i])
				}
			})
		}
	}
	few := max(1, k.jobs/4)
	serve(few, heavy)
	serve(max(1, k.jobs-few), light)
	workers.Wait()
	return results
}

func (k *killer) runBug(ctx context.Context, b bugs.Bug) killmatrix.Result {
	began := time.Now()
	result := killmatrix.Result{Bug: b}
	made, err := k.runSuite(ctx, b)
	switch {
	case ctx.Err() != nil:
		return result // called off
	case err != nil:
		result.Faults = []string{err.Error()}
	default:
		result = killmatrix.Judge(b, made)
	}
	k.tell(result, time.Since(began))
	return result
}

func (k *killer) tell(r killmatrix.Result, took time.Duration) {
	word := "caught"
	if len(r.Faults) > 0 {
		word = "NOT AS DECLARED"
	}
	k.console.say("%-16s %-44s %6s  %s", word, r.Bug.Name, took.Round(100*time.Millisecond), strings.Join(r.Killed, ", "))
	k.tellFaults(r)
}

func (k *killer) tellFaults(r killmatrix.Result) {
	for _, fault := range r.Faults {
		k.console.say("                 %s", fault)
	}
}

// conclude prints what the matrix says; all tells that it is the whole one.
func (k *killer) conclude(m killmatrix.Matrix, outages error, all bool, took time.Duration) error {
	page, err := os.OpenFile(filepath.Join(k.out, "matrix.md"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(m.WriteMarkdown(page), page.Close()); err != nil {
		return err
	}
	// Once more at the end, where one looks first: their lines are among many.
	for _, r := range m.Results {
		if len(r.Faults) > 0 {
			k.console.say("not as declared: %s (%s)", r.Bug.Name, filepath.Join(k.out, r.Bug.Name))
			k.tellFaults(r)
		}
	}
	k.console.say("%d of %d bugs were caught as declared, in %s", m.Killed(), len(m.Results), took.Round(time.Second))
	var failures []string
	if m.Killed() < len(m.Results) {
		failures = append(failures, fmt.Sprintf("%d bugs were not caught as declared", len(m.Results)-m.Killed()))
	}
	if outages != nil {
		failures = append(failures, outages.Error())
	}
	if unproven := m.Unproven(); all && len(unproven) > 0 {
		failures = append(failures, "no bug was caught by "+strings.Join(unproven, ", "))
	}
	if len(failures) > 0 {
		return &exitError{code: report.ExitFailed, err: errors.New(strings.Join(failures, "; "))}
	}
	if all {
		k.console.say("every MUST requirement caught one or is proven by a test with a broken fixture")
	}
	return nil
}

// threads says in how many threads a program runs Go code.
const threads = "GOMAXPROCS"

// bugRunTimeouts are those that a run waits out when a bug keeps a change from
// ever taking effect; everything of the mock happens at once. Many runs are made at
// once, so that each has one process.
var bugRunTimeouts = []string{"--procs=1", "--timeout-propagation=8s", "--timeout-exchange=20s", "--timeout-delete=45s"}

// runSuite runs the suite in a folder of the bug's own and reads its report.
func (k *killer) runSuite(ctx context.Context, b bugs.Bug) (report.Report, error) {
	folder, err := k.mock.addFolder(ctx, strings.ToLower(b.Name))
	if err != nil {
		return report.Report{}, err
	}
	if b.Name != noBug.Name {
		if err := k.mock.setBugs(ctx, folder, b.Name); err != nil {
			return report.Report{}, err
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
	if !b.OwnCluster {
		args = append(args, k.sharedCluster()...)
	}
	return k.launch(ctx, b.Name, args)
}

func (k *killer) sharedCluster() []string {
	return []string{"--cluster=existing", "--cluster-id=" + k.cluster.ID}
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

// launch runs this program and reads the run's report; that the run is red is what
// is wanted.
func (k *killer) launch(ctx context.Context, name string, args []string) (report.Report, error) {
	out := filepath.Join(k.out, name)
	if err := k.start(ctx, append(args, "--out="+out), out); err != nil {
		return report.Report{}, err
	}
	found, err := filepath.Glob(filepath.Join(out, "*", report.JSONFile))
	if err != nil || len(found) != 1 {
		return report.Report{}, fmt.Errorf("the run for %s made %d reports in %s, not one", name, len(found), out)
	}
	return report.Read(found[0])
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
	command.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "WLIF_") || strings.HasPrefix(v, "YC_")
	}), append(k.cfg.Environ(), "XDG_STATE_HOME="+k.state)...)
	if _, told := os.LookupEnv(threads); !told {
		// Many programs share few processors: more threads than one only look for work.
		command.Env = append(command.Env, threads+"=1")
	}
	command.Stdout, command.Stderr = log, log
	_ = command.Run() // its report says how it ended
	return ctx.Err()
}
