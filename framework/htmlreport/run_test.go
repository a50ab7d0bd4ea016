package htmlreport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// noon is when the runs of these tests began.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// broken is the requirement that a red run does not keep.
const broken = "exchange/aud-other"

// recorder makes a journal with a clock of its own.
type recorder struct {
	records []journal.Record
	at      time.Duration
}

func (r *recorder) write(process string, took time.Duration, events ...journal.Event) {
	for _, e := range events {
		r.at += took
		r.records = append(r.records, journal.Record{Time: noon.Add(r.at), Process: process, Seq: len(r.records) + 1, Event: e})
	}
}

func issued(aud string) journal.Called {
	return journal.Called{
		Protocol: "HTTP", Method: "POST https://auth/oauth/token", Status: "200 OK", RequestID: "req-1", Took: 3 * time.Millisecond,
		Request: journal.Message{Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, Body: "audience = aje\nsubject_token = [hidden]"},
		Answer:  journal.Message{Header: map[string]string{"Content-Type": "application/json"}, Body: "{\n  \"access_token\": \"[hidden]\"\n}"},
		Claims:  &journal.Claims{Header: []byte(`{"alg":"RS256","kid":"k"}`), Payload: []byte(`{"aud":"` + aud + `"}`)},
	}
}

// aRun is the journal of a run of the whole catalogue by two processes.
func aRun(red bool) []journal.Record {
	var r recorder
	r.write("run", 0, journal.RunStarted{RunID: "abcdefgh", Profile: "full", Cloud: "mock", Cluster: "embedded", Version: "v1", Commit: "abc", Reproduce: "wlif run --profile full"},
		journal.Target{Endpoint: "127.0.0.1:1", FolderID: "b1g", KubernetesVersion: "1.36.3", Issuer: "https://issuer"})
	r.write("suite-1", 10*time.Millisecond, journal.Planned{
		Nodes: []journal.PlannedNode{{Name: "network"}, {Name: "cluster", After: []string{"network"}}, {Name: "secret"}}, CriticalPath: []string{"network", "cluster"}, Length: 4 * time.Second, Sum: 5 * time.Second,
	}, journal.NodeStarted{Phase: journal.Create, Node: "network"}, journal.NodeStarted{Phase: journal.Create, Node: "secret"})
	r.write("suite-1", time.Second, journal.NodeFinished{Phase: journal.Create, Node: "secret"}, journal.NodeFinished{Phase: journal.Create, Node: "network", Duration: 2 * time.Second},
		journal.NodeStarted{Phase: journal.Create, Node: "cluster"}, journal.NodeFinished{Phase: journal.Create, Node: "cluster"},
		journal.ResourceMade{Type: "k8s.cluster", ID: "catpaid", Name: "wlif-abcdefgh", For: []string{"master", "address"}}, journal.ResourceGone{Type: "k8s.cluster", ID: "catpaid"})
	for i, q := range conformance.Catalogue() {
		if q.Excluded != "" {
			continue
		}
		process := fmt.Sprintf("suite-%d", i%2+1)
		verdict := journal.Verdict{Requirement: q.ID, Case: "is so", Verdict: conformance.Pass, Duration: 30 * time.Millisecond, Location: "suites/x.go:1"}
		r.write(process, 10*time.Millisecond, journal.CheckStarted{Requirement: q.ID, Case: "is so"}, journal.Step{Requirement: q.ID, Text: "refused: aud is another"})
		for range 12 {
			r.write(process, time.Millisecond, journal.Called{Protocol: "gRPC", Method: "yandex.cloud.operation.OperationService/Get", Status: "OK", Request: journal.Message{Body: "{}"}})
		}
		switch {
		case q.Level == conformance.Record:
			verdict.Verdict = conformance.Recorded
			r.write(process, 0, journal.Observed{Requirement: q.ID, Case: "is so", Name: "status", Value: "400"})
		case red && q.ID == broken:
			verdict.Verdict, verdict.Reason = conformance.Fail, "exchanging, although the aud is <another>: the token endpoint issued an IAM token"
			r.write(process, time.Millisecond, issued("https://other"), journal.Compared{
				First: "another audience: the token's aud is other", Remedy: "Ask for another.",
				Rows: []journal.ComparedRow{{About: "iss", Token: "a", Setup: "a"}, {About: "aud", Token: "other", Setup: "mine", Difference: "another audience"}},
			}, journal.Diagnostic{Requirement: q.ID, File: "diagnostics/pod.txt"})
		}
		r.write(process, time.Millisecond, journal.Measured{Requirement: q.ID, What: "a role is granted", Duration: time.Duration(i) * time.Millisecond}, verdict)
	}
	r.write("suite-1", time.Second, journal.Happened{At: noon.Add(r.at), Of: "Pod", Namespace: "wlif-r-tutorial", Name: "test-wlif", Reason: "Scheduled", Text: "Successfully assigned"},
		journal.Happened{At: noon.Add(r.at), Of: "Pod", Namespace: "wlif-r-tutorial", Name: "test-wlif", Warning: true, Reason: "BackOff", Text: "Back-off pulling image"})
	r.write("suite-1", time.Second, journal.NodeStarted{Phase: journal.Delete, Node: "cluster"}, journal.NodeFinished{Phase: journal.Delete, Node: "cluster"})
	r.write("run", 0, journal.Exit{Program: "suite"}, journal.Inventory{Complete: true}, journal.RunFinished{})
	return r.records
}

func input(records []journal.Record) Input {
	return Input{Report: report.Build(records, nil), Records: records, File: func(name string) (string, error) {
		return "the end of " + name, nil
	}}
}

func render(t *testing.T, in Input) string {
	t.Helper()
	page, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// body is the requirement's part of a page.
func body(t *testing.T, page, id string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<div class="body" id="`+id+`">`)
	if !ok {
		t.Fatalf("the page has no %s", id)
	}
	part, _, _ := strings.Cut(rest, `<details class="req"`)
	return part
}
