package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/progress"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
)

// shortBudget bounds the deletion after a second interrupt, and the inventory.
const shortBudget = 2 * time.Minute

// finish deletes what the suite left, takes the inventory and stops the mock. It
// returns how to use what is kept, if anything is.
func (l *launch) finish(ctx context.Context) (kept string) {
	ctx, cancel := l.interrupts.until(context.WithoutCancel(ctx), 3)
	defer cancel()
	if l.suiteRan && l.cfg.Keep {
		l.journalKept()
		kept = l.keepText()
	} else if l.suiteRan {
		l.sweepLeftovers(ctx)
		l.takeInventory(ctx)
	}
	if l.suiteRan && l.mock != nil {
		l.journalEngine(ctx)
	}
	if l.suiteRan {
		l.decideInvariants()
	}
	if l.client != nil {
		_ = l.client.Close(ctx) // the process ends anyway
	}
	if l.mock != nil && kept == "" {
		if err := l.mock.stop(ctx); err != nil {
			l.problem("mock", err)
		}
	}
	return kept
}

// sweepLeftovers deletes what is still in the run's ledger or carries its label.
// After an orderly teardown there is no ledger any more.
func (l *launch) sweepLeftovers(ctx context.Context) {
	if _, err := os.Stat(provision.LedgerPath(l.state, l.id)); errors.Is(err, os.ErrNotExist) {
		return
	}
	budget := l.cfg.Timeouts.Teardown.D()
	if l.interrupts.times() > 1 {
		budget = min(budget, shortBudget)
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	// The suite did not come to its teardown, so something failed.
	if l.mock != nil {
		if err := l.mock.collectLogs(ctx, l.folder.ClusterLogs()); err != nil {
			_ = l.journal.Write(journal.Log{Level: "warning", Text: err.Error()})
		}
	}
	began := time.Now()
	runs, err := provision.Sweep(ctx, provision.SweepOptions{
		Config: l.cfg, Client: l.client, StateDir: l.state, RunID: l.id, Dial: cluster.Dial, On: progress.Listener(l.journal),
		Watch: func(ledger *provision.Ledger) { progress.Watch(l.journal, ledger) },
	})
	if err != nil {
		l.problem("teardown", err)
	}
	var left []provision.Leftover
	for _, r := range runs {
		if r.Skipped != "" {
			l.problem("teardown", errors.New(r.Skipped))
		}
		if r.Outcome != nil {
			left = append(left, r.Outcome.Left...)
		}
	}
	l.stuck = map[string]string{}
	for _, x := range left {
		l.stuck[x.ID] = x.Reason
	}
	l.judgeDeletion(left, err, time.Since(began))
}

// judgeDeletion decides the case of tutorial/deleted that the suite did not come
// to: that of the shared target.
func (l *launch) judgeDeletion(left []provision.Leftover, err error, took time.Duration) {
	if _, loadErr := l.folder.LoadTarget(); loadErr != nil {
		return // there was no complete target that could have been deleted
	}
	records, readErr := l.written.All()
	if readErr != nil || slices.ContainsFunc(records, func(r journal.Record) bool {
		v, ok := r.Event.(journal.Verdict)
		return ok && v.Requirement == conformance.TutorialDeleted && v.Case == runfolder.SharedTargetCase
	}) {
		return
	}
	verdict := journal.Verdict{Requirement: conformance.TutorialDeleted, Case: runfolder.SharedTargetCase, Verdict: conformance.Pass, Duration: took}
	switch {
	case len(left) > 0:
		verdict.Verdict, verdict.Reason = conformance.Fail, fmt.Sprintf("%d resources could not be deleted", len(left))
	case err != nil:
		verdict.Verdict, verdict.Reason = conformance.Error, err.Error()
	}
	_ = l.journal.Write(verdict)
}

// takeInventory looks for everything of this run, in the lists of the cloud and,
// where this run started the mock, in the mock's own.
func (l *launch) takeInventory(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shortBudget)
	defer cancel()
	began := time.Now()
	var accounts []string
	if target, err := l.folder.LoadTarget(); err == nil {
		accounts = target.Accounts
	}
	found, err := provision.Inventory(ctx, l.client, []string{l.cfg.FolderID}, l.id, accounts...)
	var left []journal.ResourceLeft
	for _, f := range found {
		reason := cmp.Or(f.Reason, l.stuck[f.ID])
		if f.Command != "" {
			reason = strings.TrimPrefix(reason+"; "+f.Command, "; ")
		}
		left = append(left, journal.ResourceLeft{Type: f.Kind, ID: f.ID, Name: f.Name, Reason: reason})
	}
	if l.mock != nil {
		more, mockErr := l.mock.inventory(ctx)
		err = errors.Join(err, mockErr)
		for _, m := range more {
			if !slices.ContainsFunc(left, func(r journal.ResourceLeft) bool { return r.ID == m.ID }) {
				left = append(left, journal.ResourceLeft{Type: m.Type, ID: m.ID, Name: m.Name, Reason: "in the mock's inventory"})
			}
		}
	}
	l.journalInventory(left, err, time.Since(began))
}

func (l *launch) journalInventory(left []journal.ResourceLeft, err error, took time.Duration) {
	inventory := journal.Inventory{Complete: err == nil, Left: len(left)}
	verdict := journal.Verdict{Requirement: conformance.NothingLeftBehind, Case: "the inventory after the run", Verdict: conformance.Pass, Duration: took}
	var names []string
	for _, r := range left {
		_ = l.journal.Write(r)
		names = append(names, r.Type+" "+r.ID)
	}
	if err != nil {
		inventory.Reason = err.Error()
		verdict.Verdict, verdict.Reason = conformance.Error, err.Error()
	}
	if len(left) > 0 {
		verdict.Verdict, verdict.Reason = conformance.Fail, "left behind: "+strings.Join(names, ", ")
	}
	_ = l.journal.Write(inventory)
	_ = l.journal.Write(verdict)
}

func (l *launch) journalKept() {
	_ = l.journal.Write(journal.Verdict{Requirement: conformance.NothingLeftBehind, Case: "the inventory after the run",
		Verdict: conformance.Skipped, Reason: "everything is kept, as --keep asks", ByChoice: true})
}

// report makes the reports, prints the table and returns the exit code.
func (l *launch) report(kept string) int {
	_ = l.journal.Write(journal.RunFinished{})
	failure := l.journal.Close()
	records, err := l.written.All()
	made := report.Build(records, l.written.Torn())
	failure = errors.Join(failure, err)
	if !l.journalOnly {
		failure = errors.Join(failure, writeReports(string(l.folder), made, records, ""))
	}
	if l.suiteRan {
		failure = errors.Join(failure, report.Table(l.console.out, made, l.console.colour))
	}
	if l.jsonReport != nil {
		failure = errors.Join(failure, printJSON(l.jsonReport, made))
	}
	if l.recording != "" {
		failure = errors.Join(failure, writeRecording(l.recording, made))
	}
	failure = errors.Join(failure, tellGitHub(l.console.out, made, os.Getenv))
	if !l.suiteRan {
		l.console.say("Nothing was created (exit code %d).", made.Outcome.ExitCode)
	}
	if kept != "" {
		l.console.say("%s", kept)
	}
	code := made.Outcome.ExitCode
	if failure != nil {
		l.console.say("The reports in %s are not complete: %v", l.folder, failure)
		if code == report.ExitConformant {
			code = report.ExitEngine
		}
	}
	return code
}
