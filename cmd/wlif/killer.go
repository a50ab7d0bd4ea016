package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

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
	killClusters
	mock *mockProcess
	cfg  *config.Config
	self string
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
	if k.mock, err = startMock(ctx, mockOptions{cfg: k.cfg, runID: provision.NewRunID(), audit: k.audit(), say: say, start: startPatiently}); err != nil {
		return err
	}
	if err := k.mock.apply(k.cfg); err != nil {
		return err
	}
	if err := k.mock.admin(ctx, http.MethodPatch, "/settings", roomy, nil); err != nil {
		return fmt.Errorf("preparing the mock for many folders: %w", err)
	}
	return k.makeClusters(ctx)
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
	err := k.closeClusters(ctx)
	if k.mock != nil {
		err = errors.Join(err, k.mock.stop(ctx))
	}
	if k.state == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(k.state))
}

// runAll runs the suite for every bug, several at once. At most a quarter of them are
// runs that make or restart clusters: these compute, where the others wait. With the whole
// profile all do both, half at a time.
func (k *killer) runAll(ctx context.Context, chosen []bugs.Bug) []killmatrix.Result {
	q := &killQueue{few: max(1, k.jobs/4)}
	if k.full {
		q.few = max(1, k.jobs/2)
	}
	for i, b := range chosen {
		if borrows(b) {
			k.lending.borrowers++
		}
		if k.full || b.OwnCluster || killmatrix.NeedsCluster(b) {
			q.heavy = append(q.heavy, i)
		} else {
			q.light = append(q.light, i)
		}
	}
	results := make([]killmatrix.Result, len(chosen))
	var workers sync.WaitGroup
	for range max(1, k.jobs) {
		workers.Go(func() {
			for i, done := q.next(); done != nil && ctx.Err() == nil; i, done = q.next() {
				results[i] = k.runBug(ctx, chosen[i])
				done()
			}
		})
	}
	workers.Wait()
	return results
}

// killQueue is which bugs are still to be run.
type killQueue struct {
	mu           sync.Mutex
	light, heavy []int
	// busy is how many heavy ones are run now; few is how many may be.
	busy, few int
}

// next is a bug to run and what to call when that is done; nil when whoever is at work
// will see to the rest.
func (q *killQueue) next() (int, func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.heavy) > 0 && q.busy < q.few:
		first := q.heavy[0]
		q.heavy = q.heavy[1:]
		q.busy++
		return first, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.busy--
		}
	case len(q.light) > 0:
		first := q.light[0]
		q.light = q.light[1:]
		return first, func() {}
	}
	return 0, nil
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
		if result = killmatrix.Judge(b, made.report); len(result.Faults) > 0 {
			if err := made.writeReports(); err != nil {
				result.Faults = append(result.Faults, err.Error())
			}
		}
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
