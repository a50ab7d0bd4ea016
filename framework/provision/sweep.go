package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// SweepOptions say what to sweep.
type SweepOptions struct {
	Config *config.Config
	Client *cloud.Client
	// StateDir is where ledgers are (StateDir()).
	StateDir string
	// RunID names one run: with its ledger on this machine, which no process holds, it
	// is swept even if it has not expired. Empty means every run that has.
	RunID string
	// Force sweeps the named run without its ledger, too, though its label says that it
	// has not expired: it may be alive on another machine.
	Force bool
	// OlderThan leaves runs alone that started less than this ago.
	OlderThan time.Duration
	// DryRun deletes nothing.
	DryRun bool
	// Now is the time to compare with; zero means the real one.
	Now  time.Time
	Dial Dial
	On   Listener
	// Watch, if not nil, is told of the ledger of each run that is swept.
	Watch func(*Ledger)
}

// RunSweep is what a sweep found of one run, and did about it.
type RunSweep struct {
	RunID string `json:"run_id"`
	Owner string `json:"owner,omitempty"`
	// Ledger and Labels say how it was found.
	Ledger  bool      `json:"ledger"`
	Labels  bool      `json:"labels"`
	Started time.Time `json:"started,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Skipped says why nothing was done; empty if something was, or would have been.
	Skipped string `json:"skipped,omitempty"`
	// Found is what was there before.
	Found []Leftover `json:"found"`
	// Outcome is what was done; nil for a dry run and a skipped one.
	Outcome *Outcome `json:"outcome,omitempty"`
	Err     error    `json:"-"`

	header  *Header
	records []Record
}

// Sweep deletes what earlier runs left in the configured folder: what their
// ledgers say, and what carries the label or a name of a run. A run whose ledger
// is held by a process is never touched; one that has not expired only by name, and
// one without a ledger here, which may be alive elsewhere, only by force.
// Nothing that is not ours is ever considered. The error joins those of the runs
// and of the lists.
func Sweep(ctx context.Context, o SweepOptions) ([]RunSweep, error) {
	if o.RunID != "" && !ValidRunID(o.RunID) {
		return nil, fmt.Errorf("sweeping: %q is no run id (8 characters a-z and 0-9, first a letter)", o.RunID)
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	runs, err := o.fromLedgers(ctx)
	if err != nil {
		return nil, err
	}
	errs := []error{o.fromLabels(ctx, runs)}
	var out []RunSweep
	for _, id := range slices.Sorted(maps.Keys(runs)) {
		s := runs[id]
		if o.RunID != "" && o.RunID != id {
			continue
		}
		if s.Skipped == "" {
			s.Skipped = o.tooEarly(s)
		}
		if s.Skipped == "" && !o.DryRun && s.Err == nil {
			o.sweep(ctx, s)
		}
		errs = append(errs, s.Err)
		out = append(out, *s)
	}
	return out, errors.Join(errs...)
}

// fromLedgers reads the ledgers of this folder on this machine.
func (o SweepOptions) fromLedgers(ctx context.Context) (map[string]*RunSweep, error) {
	infos, err := Ledgers(o.StateDir)
	if err != nil {
		return nil, err
	}
	runs := map[string]*RunSweep{}
	for _, info := range infos {
		h := info.Header
		if o.RunID != "" && o.RunID != h.RunID {
			continue
		}
		s := &RunSweep{RunID: h.RunID, Owner: h.Owner, Ledger: true, Started: h.Started, Expires: h.Expires, header: &h}
		runs[h.RunID] = s
		switch {
		case info.Err != nil:
			s.Err = fmt.Errorf("reading the ledger %s: %w", info.Path, info.Err)
		case info.Alive && info.StillAlive(ctx):
			s.Skipped = fmt.Sprintf("the run is alive: process %d holds its ledger", h.PID)
		case h.FolderID != o.Config.FolderID || h.Endpoint != o.Config.Endpoint:
			s.Skipped = fmt.Sprintf("belongs to folder %s at %s", h.FolderID, h.Endpoint)
		default:
			s.records, s.Err = live(o.StateDir, h.RunID)
			for _, r := range s.records {
				s.Found = append(s.Found, leftover(r.resource(), ""))
			}
		}
	}
	return runs, nil
}

// live reads the records of a ledger that nobody holds.
func live(stateDir, runID string) ([]Record, error) {
	l, err := OpenLedger(stateDir, runID)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Live(), nil
}

// fromLabels adds what the cloud's lists show.
func (o SweepOptions) fromLabels(ctx context.Context, runs map[string]*RunSweep) error {
	known := map[string][]string{}
	var records []Record
	for id, s := range runs {
		known[id] = accountsOf(s.records)
		records = append(records, s.records...)
	}
	found, err := ours(ctx, o.Client, foldersOf(o.Config.FolderID, records), known)
	for id, resources := range found {
		s := runs[id]
		if s == nil {
			s = &RunSweep{RunID: id}
			runs[id] = s
		}
		s.Labels = s.Labels || len(resources) > 0
		for _, r := range resources {
			s.add(r)
		}
	}
	return err
}

// add takes a listed resource in, unless the ledger has it already.
func (s *RunSweep) add(r Resource) {
	if at, ok := expiry(r.Labels); ok && at.After(s.Expires) && s.header == nil {
		s.Expires = at
	}
	if s.Owner == "" {
		s.Owner = r.Labels[LabelOwner]
	}
	if !r.Created.IsZero() && (s.Started.IsZero() || r.Created.Before(s.Started)) {
		s.Started = r.Created
	}
	rec := Record{Kind: r.Kind, Name: r.Name, FolderID: r.Folder, Parent: r.Parent, Labels: r.Labels, ID: r.ID}
	for i := range s.records {
		have := &s.records[i]
		if have.Kind == rec.Kind && (have.ID == rec.ID || have.ID == "" && have.Name == rec.Name) {
			have.ID = rec.ID
			return
		}
	}
	s.records = append(s.records, rec)
	s.Found = append(s.Found, leftover(r, ""))
}

// tooEarly says why a run must be left alone, if it must.
func (o SweepOptions) tooEarly(s *RunSweep) string {
	switch {
	case o.RunID == s.RunID && !s.Ledger && s.Expires.After(o.Now) && !o.Force:
		return fmt.Sprintf("its ledger is not on this machine, and by its label it may be alive elsewhere until %s; --force sweeps it now", s.Expires.UTC().Format(time.RFC3339))
	case o.RunID == s.RunID:
		return ""
	case s.Expires.IsZero():
		return "nobody knows when it expires; name it with --run " + s.RunID
	case s.Expires.After(o.Now):
		return fmt.Sprintf("expires at %s; name it with --run %s to sweep it now", s.Expires.UTC().Format(time.RFC3339), s.RunID)
	case o.OlderThan > 0 && !s.Started.IsZero() && o.Now.Sub(s.Started) < o.OlderThan:
		return fmt.Sprintf("started %s ago, less than %s", o.Now.Sub(s.Started).Round(time.Second), o.OlderThan)
	}
	return ""
}

// sweep deletes one run's resources. A run without a ledger gets one, so that a
// sweep that is interrupted can be seen by the next.
func (o SweepOptions) sweep(ctx context.Context, s *RunSweep) {
	l, err := o.ledger(s)
	if err != nil {
		s.Err = err
		return
	}
	defer l.Close()
	if o.Watch != nil {
		o.Watch(l)
	}
	out, err := clearRun(ctx, TeardownOptions{Config: o.Config, Client: o.Client, Ledger: l, Dial: o.Dial, On: o.On}, s.records)
	s.Outcome, s.Err = &out, err
}

func (o SweepOptions) ledger(s *RunSweep) (*Ledger, error) {
	if s.Ledger {
		return OpenLedger(o.StateDir, s.RunID)
	}
	return CreateLedger(o.StateDir, Header{RunID: s.RunID, Owner: s.Owner, Endpoint: o.Config.Endpoint, CloudID: o.Config.CloudID,
		FolderID: o.Config.FolderID, Started: s.Started, Expires: s.Expires, PID: os.Getpid()})
}
