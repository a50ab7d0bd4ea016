package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// decideInvariants decides what can be decided only when everything else is over.
func (l *launch) decideInvariants() {
	l.decide(conformance.EveryUnrunSpecHasAReason, "the journal", func() ([]string, error) {
		records, err := l.written.All()
		return unreasoned(records), err
	})
	l.decide(conformance.NoUnexpectedRefusal, "the cloud's audit log", func() ([]string, error) {
		return refusals(l.auditLog(), l.id)
	})
	// Last: the verdicts above are searched, too.
	l.decide(conformance.NoSecretInArtifacts, "everything that the run wrote", l.leaks)
}

// decide journals the verdict of an invariant: what breaks it, in words.
func (l *launch) decide(id, name string, look func() (broken []string, err error)) {
	began := time.Now()
	broken, err := look()
	verdict := journal.Verdict{Requirement: id, Case: name, Verdict: conformance.Pass, Duration: time.Since(began)}
	switch {
	case len(broken) > 0:
		verdict.Verdict, verdict.Reason = conformance.Fail, strings.Join(broken, "; ")
	case errors.Is(err, errNotThere):
		verdict.Verdict, verdict.Reason = conformance.NotSupported, err.Error()
	case err != nil:
		verdict.Verdict, verdict.Reason = conformance.Error, err.Error()
	}
	_ = l.journal.Write(verdict)
}

// errNotThere is an invariant's subject that this target does not have.
var errNotThere = errors.New("the target lacks")

// unreasoned are the checks that were not made and have no reason.
func unreasoned(records []journal.Record) []string {
	var out []string
	for _, r := range records {
		v, ok := r.Event.(journal.Verdict)
		if ok && strings.TrimSpace(v.Reason) == "" && slices.Contains([]conformance.Verdict{conformance.Skipped, conformance.NotSupported, conformance.Error}, v.Verdict) {
			out = append(out, fmt.Sprintf("%s (%s) is %s without a reason", v.Requirement, v.Case, v.Verdict))
		}
	}
	return out
}

// auditLog is where the cloud tells of each call; "" where it does not.
func (l *launch) auditLog() string {
	if l.cfg.AuditLog != "" {
		return l.cfg.AuditLog
	}
	if l.mock != nil {
		return l.folder.AuditLog()
	}
	return ""
}

// call is what is read of a line of the cloud's audit log.
type call struct {
	Method  string `json:"method"`
	Caller  string `json:"caller"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Run     string `json:"run"`
}

// lacksRole begins the audited reason of a refusal for want of a role.
const lacksRole = "permission:"

// refusals lists what the run's own account was refused for want of a role. That
// account is the one that made the run's first resource; checks call as others, too.
func refusals(path, runID string) ([]string, error) {
	if path == "" {
		return nil, fmt.Errorf("%w %s", errNotThere, conformance.AuditLog)
	}
	file, err := os.Open(path) //nolint:gosec // G304: the mock's, or the file that the user named
	if err != nil {
		return nil, fmt.Errorf("reading the cloud's audit log: %w", err)
	}
	defer file.Close()
	var calls []call
	own := ""
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if whole := bytes.HasSuffix(lines.Bytes(), []byte("}")); whole && !bytes.Contains(lines.Bytes(), []byte(runID)) {
			continue // a cloud is not this run's alone, and most lines are others'
		}
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("reading the cloud's audit log %s: %w", path, err)
		}
		if c.Run != runID {
			continue
		}
		calls = append(calls, c)
		if own == "" && strings.HasSuffix(c.Method, "/Create") && c.Verdict == "allowed" {
			own = c.Caller
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the cloud's audit log %s: %w", path, err)
	}
	if own == "" {
		return nil, errors.New("the cloud's audit log has no resource that this run made")
	}
	var out []string
	for _, c := range calls {
		if c.Caller == own && c.Verdict == "refused" && strings.HasPrefix(c.Reason, lacksRole) {
			out = append(out, fmt.Sprintf("%s was refused to %s: %s", c.Method, c.Caller, c.Reason))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// leaks searches everything that the run wrote, and the log of its mock, for
// secrets: the run's credentials, what it planted, and whatever looks like one.
func (l *launch) leaks() ([]string, error) {
	secrets := l.cfg.Secrets()
	search := &redact.Redactor{}
	for name, secret := range secrets {
		if err := search.Register(name, secret.Reveal()); err != nil {
			return nil, err
		}
	}
	if err := search.Register("planted secret", l.canary); err != nil {
		return nil, err
	}
	paths := []string{string(l.folder), filepath.Join(l.state, l.id, "ledger.jsonl")}
	if l.mock != nil {
		paths = append(paths, filepath.Join(l.mock.dir, logName))
	}
	hits, err := search.Search(paths...)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("a file of the run's own cannot be read: %w", err)
	}
	var out []string
	for _, h := range hits {
		out = append(out, "a secret is in "+h.String())
	}
	return out, err
}
