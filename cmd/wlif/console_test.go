package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

var clock = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func record(e journal.Event) journal.Record { return journal.Record{Time: clock, Event: e} }

func TestPlainConsoleSaysWhatEndedAndRemindsOfTheRest(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out, &redact.Redactor{})
	c.reminded = clock
	c.event(record(journal.NodeStarted{Phase: journal.Create, Node: "network"}))
	c.event(record(journal.NodeStarted{Phase: journal.Create, Node: "cluster", Usual: time.Minute}))
	c.event(record(journal.NodeWaiting{Phase: journal.Create, Node: "cluster", Text: "operation cat1"}))
	c.event(record(journal.NodeFinished{Phase: journal.Create, Node: "network", ID: "enp1", Duration: 2 * time.Second}))
	c.tick(clock.Add(10 * time.Second))
	c.tick(clock.Add(31 * time.Second))
	c.tick(clock.Add(32 * time.Second))
	want := "created network enp1 (2s)\n... creating cluster 31s (usually 1m0s): operation cat1\n"
	if out.String() != want {
		t.Errorf("out %q, want %q", out.String(), want)
	}
}

// Roles can take minutes to be in force. Where nothing is redrawn, this is said once,
// and then with the reminders.
func TestPlainConsoleSaysOnceThatRolesAreWaitedFor(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out, &redact.Redactor{})
	c.reminded = clock
	c.event(record(journal.NodeStarted{Phase: journal.Create, Node: "cluster"}))
	for _, attempt := range []string{"1", "2"} {
		c.event(record(journal.NodeWaiting{Phase: journal.Create, Node: "cluster", Text: provision.WaitsForRights + ", attempt " + attempt}))
	}
	c.tick(clock.Add(31 * time.Second))
	want := "creating cluster: refused until roles are in force, attempt 1\n... creating cluster 31s: refused until roles are in force, attempt 2\n"
	if out.String() != want {
		t.Errorf("out %q, want %q", out.String(), want)
	}
}

func TestTerminalRedrawsOneLineThatFits(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out, &redact.Redactor{})
	c.terminal = true
	c.width = func() int { return 40 }
	c.begin("a", strings.Repeat("waiting for a very long name ", 4), clock, 0)
	c.tick(clock.Add(time.Second))
	line, ok := strings.CutPrefix(out.String(), "\r\x1b[K")
	if !ok || len([]rune(line)) > 39 || !strings.HasSuffix(line, "…") {
		t.Errorf("line %q", line)
	}
	out.Reset()
	c.say("done")
	if out.String() != "\r\x1b[Kdone\n" {
		t.Errorf("out %q", out.String())
	}
	out.Reset()
	c.end("a")
	c.tick(clock.Add(2 * time.Second))
	if out.String() != "" {
		t.Errorf("nothing is waited for, but %q", out.String())
	}
}

func TestConsoleShowsVerdictsAndRedacts(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out, &redact.Redactor{})
	c.event(record(journal.Verdict{Requirement: conformance.TutorialExchange, Case: "c", Verdict: conformance.Fail, Reason: "Bearer canary-canary", Duration: time.Second}))
	if got := out.String(); got != "FAIL tutorial/exchange: c (1s): [redacted: bearer token]\n" {
		t.Errorf("out %q", got)
	}
}

// What the user did not ask for may be most of the catalogue.
func TestConsoleIsSilentAboutWhatWasLeftOut(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out, &redact.Redactor{})
	c.event(record(journal.Verdict{Requirement: "a/left", Verdict: conformance.Skipped, Reason: "not selected", ByChoice: true}))
	c.event(record(journal.Verdict{Requirement: "a/open", Verdict: conformance.Skipped, Reason: "a/first did not pass before it"}))
	if got := out.String(); strings.Contains(got, "a/left") || !strings.Contains(got, "a/open") {
		t.Errorf("out %q", got)
	}
}

func TestFollowShowsEverythingBeforeItStops(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	c := newConsole(&out, &redact.Redactor{})
	w, err := journal.Open(dir, "run", &redact.Redactor{})
	if err != nil {
		t.Fatal(err)
	}
	stop := c.follow(journal.Follow(dir))
	if err := w.Write(journal.Problem{Where: "suite", Reason: "it broke"}); err != nil {
		t.Fatal(err)
	}
	stop()
	stop()
	if err := w.Close(); err != nil || out.String() != "suite: it broke\n" {
		t.Errorf("out %q, %v", out.String(), err)
	}
}
