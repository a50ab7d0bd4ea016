package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs a command line with an environment of its own.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var out, errout bytes.Buffer
	code = execute(t.Context(), args, &out, &errout)
	return code, out.String(), errout.String()
}

func TestWrongUsageIsOneSentenceAndTwo(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"rum"}, `there is no command "rum"; did you mean "run"?`},
		{"unknown flag", []string{"run", "--clod", "mock"}, "--clod"},
		{"unknown value", []string{"run", "--cloud", "aws"}, "cloud"},
		{"bad duration", []string{"run", "--timeout-call", "5"}, "timeout.call"},
		{"old version", []string{"run", "--k8s-version", "1.29"}, "1.30"},
		{"missing credentials", []string{"run", "--cloud", "yandex", "--folder-id", "b1g"}, "YC_TOKEN"},
		{"unknown profile", []string{"run", "--profile", "all"}, "core"},
		{"unknown requirement", []string{"run", "--requirement", "nothing/*"}, "matches no requirement"},
		{"broken label filter", []string{"run", "--label-filter", "((("}, "is no label filter"},
		{"surplus argument", []string{"version", "please"}, "please"},
		{"report of nothing", []string{"report", "/nonexistent"}, "/nonexistent"},
		{"report without folder", []string{"report"}, "accepts 1 arg"},
		{"catalogue output", []string{"catalogue", "--output", "pdf"}, "table, yaml, markdown"},
		{"sweep of no run", []string{"sweep", "--run", "x"}, "is no run id"},
		{"sweep of everything by force", []string{"sweep", "--force"}, "--force needs --run"},
		{"sweep of an unknown run", []string{"sweep", "--run", "abcdefgh"}, "no ledger of a run abcdefgh"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, stdout, stderr := command(t, tc.args...)
			if code != 2 || !strings.Contains(stderr, tc.want) || !strings.HasPrefix(stderr, "wlif: ") {
				t.Errorf("code %d, stderr %q", code, stderr)
			}
			if stdout != "" || strings.Contains(stderr, "Usage:") || strings.Contains(stderr, "\x1b") {
				t.Errorf("stdout %q, stderr %q", stdout, stderr)
			}
		})
	}
}

func TestHelpAndListsWork(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // sweep looks there for what this machine's other runs left
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "wlif doctor"},
		{[]string{"run", "--help"}, "--folder-id"},
		{[]string{"catalogue"}, "tutorial/exchange"},
		{[]string{"catalogue", "--output", "yaml"}, "id: tutorial/exchange"},
		{[]string{"catalogue", "--output", "markdown", "--profile", "core"}, "| `tutorial/exchange` | MUST |"},
		{[]string{"version"}, "wlif "},
		{[]string{"sweep"}, "Nothing of ours is left."},
	} {
		if code, stdout, stderr := command(t, tc.args...); code != 0 || !strings.Contains(stdout, tc.want) {
			t.Errorf("%q: code %d, stdout %q, stderr %q", tc.args, code, stdout, stderr)
		}
	}
}

// Docker may be installed and not run; most machines' runs have nothing in it.
func TestSweepWithoutADockerDaemon(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if code, stdout, stderr := command(t, "sweep"); code != 0 || stdout != "Nothing of ours is left.\n" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestRunWithoutItsProgramsSaysHowToMakeThem(t *testing.T) {
	code, _, stderr := command(t, "run", "--out", filepath.Join(t.TempDir(), "runs"))
	if code != 3 || !strings.Contains(stderr, "suites.test") || !strings.Contains(stderr, "make build") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

func TestDoctorNamesWhatIsMissingAndThePlan(t *testing.T) {
	code, stdout, _ := command(t, "doctor")
	for _, want := range []string{"MISSING  programs of the suite", "ok       configuration", "k8s.cluster", "network -> "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout lacks %q: %s", want, stdout)
		}
	}
	if code != 3 {
		t.Errorf("code %d", code)
	}
}

func TestExplainRedactsAndHints(t *testing.T) {
	var errout bytes.Buffer
	err := hinted(usageError(errors.New("refused t1.9euelZqZlJyX_canary")), "try again")
	if code := explain(err, &errout); code != 2 {
		t.Errorf("code %d", code)
	}
	if got := errout.String(); got != "wlif: refused [redacted: IAM token]\nhint: try again\n" {
		t.Errorf("stderr %q", got)
	}
}

func TestReproduceCanBePasted(t *testing.T) {
	got := reproduce([]string{"/opt/bin/wlif", "run", "--requirement", "tutorial/*", "--label-filter", "it's", "--keep"})
	if want := `wlif run --requirement 'tutorial/*' --label-filter 'it'\''s' --keep`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
