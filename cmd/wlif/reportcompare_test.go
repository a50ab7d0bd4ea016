package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// runOf writes the journal of a run of one requirement, and its reports.
func runOf(t *testing.T, id string, verdict conformance.Verdict, requirement string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), id)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := journal.Open(dir, "run", &redact.Redactor{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []journal.Event{
		journal.RunStarted{RunID: id, Profile: "core", Cloud: "mock", Cluster: "embedded", Reproduce: "wlif run", Selection: "some", Chosen: []string{requirement}},
		journal.Target{Endpoint: "e", KubernetesVersion: "1.36.3"},
		journal.Verdict{Requirement: requirement, Case: "c", Verdict: verdict, Reason: "because", Duration: time.Second},
		journal.Verdict{Requirement: conformance.NothingLeftBehind, Case: "c", Verdict: conformance.Pass},
		journal.Exit{Program: "suite"}, journal.Inventory{Complete: true}, journal.RunFinished{},
	} {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	command(t, "report", dir)
	return dir
}

func TestReportCommands(t *testing.T) {
	good := runOf(t, "aaaaaaaa", conformance.Pass, conformance.TutorialExchange)
	bad := runOf(t, "bbbbbbbb", conformance.Fail, conformance.TutorialExchange)
	other := runOf(t, "cccccccc", conformance.Pass, conformance.TutorialPayload)
	out := filepath.Join(t.TempDir(), "merged")
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"the report again", []string{"report", good}, 0, "2 PASS"},
		{"as JSON", []string{"report", bad, "--output=json"}, 1, `"exitCode": 1`},
		{"nothing worse", []string{"report", "diff", bad, good}, 0, "tutorial/exchange: FAIL -> PASS"},
		{"worse", []string{"report", "diff", good, filepath.Join(bad, report.JSONFile)}, 1, "tutorial/exchange: PASS -> FAIL"},
		{"lost", []string{"report", "diff", good, other}, 1, "Lost checks:\n  tutorial/exchange: PASS -> SKIPPED"},
		{"the same", []string{"report", "diff", good, good}, 0, "nothing changed"},
		{"no run", []string{"report", "diff", good, t.TempDir()}, 2, "give the folder of a run"},
		{"one run", []string{"report", "diff", good}, 2, ""},
		{"an unknown form", []string{"report", "diff", good, good, "--output=xml"}, 2, "neither text nor json"},
		{"merged", []string{"report", "merge", "--out", out, good, other}, 0, "3 PASS"},
		{"merged with a failure", []string{"report", "merge", "--out", out, bad, other}, 1, "1 FAIL, 2 PASS"},
		{"merged twice", []string{"report", "merge", "--out", out, good, good}, 2, "there twice"},
		{"merged nowhere", []string{"report", "merge", good}, 2, "out"},
		{"published", []string{"report", "publish", "--to", out, good}, 0, "mock-embedded-1.36-core"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, stdout, stderr := command(t, tc.args...)
			if code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
				t.Errorf("code %d, want %d and %q:\n%s%s", code, tc.code, tc.want, stdout, stderr)
			}
		})
	}
	for _, name := range []string{report.ConformanceFile, report.JUnitFile, "report.html", report.IndexFile} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	_, stdout, _ := command(t, "report", "diff", good, bad, "--output", "json")
	var changes report.Changes
	if err := json.Unmarshal([]byte(stdout), &changes); err != nil || len(changes.Verdicts) != 1 {
		t.Errorf("%v: %s", err, stdout)
	}
}

func TestGitHub(t *testing.T) {
	r, err := readReport(runOf(t, "aaaaaaaa", conformance.Fail, conformance.TutorialExchange))
	if err != nil {
		t.Fatal(err)
	}
	summary := filepath.Join(t.TempDir(), "summary")
	if err := os.WriteFile(summary, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		env       map[string]string
		annotated bool
		appended  bool
		fails     bool
	}{
		{"elsewhere", nil, false, false, false},
		{"in a job", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}, true, true, false},
		{"no such file", map[string]string{"GITHUB_STEP_SUMMARY": filepath.Join(summary, "x")}, false, true, true},
	} {
		var out bytes.Buffer
		err := tellGitHub(&out, r, func(name string) string { return tc.env[name] })
		text, _ := os.ReadFile(summary)
		if (err != nil) != tc.fails || strings.Contains(out.String(), "::error title=tutorial/exchange::because") != tc.annotated ||
			strings.Contains(string(text), "before\n# Conformance run") != tc.appended {
			t.Errorf("%s: %v\n%s\n%s", tc.name, err, out.String(), text)
		}
	}
}

func TestShellCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, stdout, _ := command(t, "completion", shell); code != 0 || !strings.Contains(stdout, "wlif") {
			t.Errorf("%s: code %d", shell, code)
		}
	}
	if _, stdout, _ := command(t, "__complete", "report", "diff", "--output", ""); !strings.Contains(stdout, "json") {
		t.Errorf("completions of --output: %s", stdout)
	}
}
