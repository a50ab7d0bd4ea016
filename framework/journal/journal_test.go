package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

func open(t *testing.T, dir, process string, r *redact.Redactor) *Writer {
	t.Helper()
	w, err := Open(dir, process, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

var every = []Event{
	RunStarted{RunID: "abcdefgh", Profile: "core"}, RunFinished{}, Target{Endpoint: "e:443"},
	Engine{Name: "kind", Host: []string{"h"}, Steps: []EngineStep{{What: "start", Times: 1, Took: time.Second}}},
	Feature{Name: conformance.Kubelet, Reason: "declared"},
	Planned{Nodes: []PlannedNode{{Name: "a"}, {Name: "b", After: []string{"a"}}}, CriticalPath: []string{"a", "b"}, Length: 1, Sum: 2},
	NodeStarted{Phase: Create, Node: "a", Usual: time.Minute}, NodeWaiting{Phase: Create, Node: "a", Text: "t"}, NodeFinished{Phase: Create, Node: "a", Duration: 1<<53 + 1},
	CheckStarted{Requirement: "tutorial/exchange", Case: "c"}, Step{Requirement: "tutorial/exchange", Text: "s"},
	Called{Protocol: "HTTP", Method: "POST https://t", Request: Message{Header: map[string]string{"A": "b"}, Body: "c"}, Status: "200 OK", Took: 1,
		Claims: &Claims{Header: []byte(`{"kid":"k"}`), Payload: []byte(`{"exp":1}`)}},
	Happened{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Of: "Pod", Namespace: "n", Name: "p", Warning: true, Reason: "Failed", Text: "t"},
	Compared{First: "f", Remedy: "r", Rows: []ComparedRow{{About: "aud", Token: "a", Setup: "b", Difference: "case"}}},
	Verdict{Requirement: "tutorial/exchange", Case: "c", Verdict: conformance.Pass, Duration: time.Second},
	Observed{Requirement: "r", Case: "c", Name: "status", Value: "400"}, Measured{Requirement: "r", What: "w", Duration: time.Second},
	Problem{Where: "suite", Reason: "r"}, ResourceLeft{Type: "vpc.network", ID: "enp"},
	ResourceMade{Type: "k8s.cluster", ID: "cat", Name: "c", For: []string{"master"}}, ResourceGone{Type: "k8s.cluster", ID: "cat"}, Inventory{Complete: true},
	Log{Level: "info", Text: "a <b> & \"c\"\n"}, Diagnostic{Requirement: "r", File: "f"}, Exit{Program: "suite", Code: 1},
}

func TestEveryKindComesBack(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "suite-1", &redact.Redactor{})
	kinds := map[string]bool{}
	for _, e := range every {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind()] = true
	}
	if len(kinds) != len(decoders) {
		t.Errorf("%d kinds are tried, %d exist", len(kinds), len(decoders))
	}
	records, torn, err := Read(dir)
	if err != nil || len(torn) != 0 {
		t.Fatal(err, torn)
	}
	for i, r := range records {
		if !reflect.DeepEqual(r.Event, every[i]) {
			t.Errorf("record %d = %#v, want %#v", i, r.Event, every[i])
		}
		if r.Process != "suite-1" || r.PID != os.Getpid() || r.Seq != i+1 || r.Time.IsZero() {
			t.Errorf("record %d = %+v", i, r)
		}
	}
}

func TestFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "run", &redact.Redactor{})
	info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("journal-run-%d.jsonl", os.Getpid())))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestSecretsAreRedactedThoughQuotingHidesThem(t *testing.T) {
	const secret = "line one\n\"line two\""
	dir := t.TempDir()
	var r redact.Redactor
	if err := r.Register("canary", secret); err != nil {
		t.Fatal(err)
	}
	w := open(t, dir, "run", &r)
	if err := w.Write(Log{Text: "got " + secret}); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(Verdict{Reason: "Bearer t1.abcdefgh." + strings.Repeat("x", 86)}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(w.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "line two") || strings.Contains(string(raw), "t1.") {
		t.Errorf("the file has a secret: %s", raw)
	}
	if !strings.Contains(string(raw), "[redacted: canary]") {
		t.Errorf("nothing says what was redacted: %s", raw)
	}
}

func TestFilesAreMergedByTimeAndTornLinesStepped(t *testing.T) {
	dir := t.TempDir()
	at := func(second int) string {
		return time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC).Format(time.RFC3339Nano)
	}
	row := func(process string, pid, seq, second int) string {
		return fmt.Sprintf(`{"time":%q,"process":%q,"pid":%d,"seq":%d,"kind":"log","event":{"text":"%s%d"}}`+"\n", at(second), process, pid, seq, process, seq)
	}
	files := map[string]string{
		// b's clock steps back between its second and third record.
		"journal-a-1.jsonl": row("a", 1, 1, 1) + "{torn\n" + row("a", 1, 2, 4),
		"journal-b-2.jsonl": row("b", 2, 1, 3) + row("b", 2, 2, 2) + `{"time":"2026-`,
		"other.jsonl":       row("c", 3, 1, 1),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	records, torn, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range records {
		order = append(order, r.Event.(Log).Text)
	}
	if got := strings.Join(order, " "); got != "a1 b1 b2 a2" {
		t.Errorf("order = %s", got)
	}
	if len(torn) != 2 || !strings.HasPrefix(torn[0], "journal-a-1.jsonl:2:") || torn[1] != "journal-b-2.jsonl:3: unfinished line" {
		t.Errorf("torn = %q", torn)
	}
}

func TestUnknownKindIsTorn(t *testing.T) {
	dir := t.TempDir()
	text := `{"time":"2026-01-01T00:00:00Z","process":"a","pid":1,"seq":1,"kind":"future","event":{}}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "journal-a-1.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	records, torn, err := Read(dir)
	if err != nil || len(records) != 0 || len(torn) != 1 || !strings.Contains(torn[0], `unknown kind "future"`) {
		t.Errorf("records %v, torn %q, %v", records, torn, err)
	}
}

func TestReadWithoutJournal(t *testing.T) {
	if _, _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no journal") {
		t.Errorf("error = %v", err)
	}
}

func TestFollowSeesEachRecordOnce(t *testing.T) {
	dir := t.TempDir()
	f := Follow(dir)
	if records, err := f.Next(); err != nil || len(records) != 0 {
		t.Fatal(records, err)
	}
	w := open(t, dir, "run", &redact.Redactor{})
	for i := range 3 {
		if err := w.Write(Log{Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		records, err := f.Next()
		if err != nil || len(records) != 1 || records[0].Event.(Log).Text != fmt.Sprint(i) {
			t.Errorf("records = %v, %v", records, err)
		}
	}
	if _, err := w.file.WriteString(`{"time":"2026-01-01T00:00:00Z","process":"a",`); err != nil {
		t.Fatal(err)
	}
	if records, err := f.Next(); err != nil || len(records) != 0 || len(f.Torn()) != 1 {
		t.Error(records, err, f.Torn())
	}
	if _, err := w.file.WriteString(`"pid":1,"seq":9,"kind":"log","event":{}}` + "\n"); err != nil {
		t.Fatal(err)
	}
	if records, err := f.Next(); err != nil || len(records) != 1 || len(f.Torn()) != 0 {
		t.Error(records, err, f.Torn())
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "run", &redact.Redactor{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if err := w.Write(Log{Text: strings.Repeat("x", 5000)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	records, torn, err := Read(dir)
	if err != nil || len(torn) != 0 || len(records) != 400 {
		t.Errorf("%d records, torn %v, %v", len(records), torn, err)
	}
}

func TestFailureIsRemembered(t *testing.T) {
	w := open(t, t.TempDir(), "run", &redact.Redactor{})
	if err := w.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(Log{}); err == nil {
		t.Fatal("writing to a closed file succeeded")
	}
	if w.Err() == nil || w.Close() == nil {
		t.Error("the failure was forgotten")
	}
}

func FuzzDecodeLine(f *testing.F) {
	for _, e := range every {
		text, err := encodeLine(Record{Event: e}, func(s string) string { return s })
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if record, err := decodeLine(raw); err == nil && record.Event == nil {
			t.Error("neither event nor error")
		}
	})
}

// What Next has given is still in All, and what All has found is still new to Next.
func TestAllBesideNext(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "a", &redact.Redactor{})
	follower := Follow(dir)
	write := func(text string) {
		t.Helper()
		if err := w.Write(Log{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	demand := func(read func() ([]Record, error), want string) {
		t.Helper()
		records, err := read()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range records {
			got = append(got, r.Event.(Log).Text)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
	write("one")
	demand(follower.Next, "one")
	write("two")
	demand(follower.All, "one two")
	demand(follower.Next, "two")
	demand(follower.All, "one two")
	if _, err := Follow(t.TempDir()).All(); err == nil {
		t.Error("a folder without a journal has one")
	}
}

func TestWithoutSomeKinds(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "suite-1", &redact.Redactor{})
	for _, e := range append(slices.Clone(every), Log{Level: "info", Text: `"kind":"called"`}) {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	records, torn, err := Read(dir, Called{}.Kind(), Step{}.Kind())
	if err != nil || len(torn) != 0 {
		t.Fatal(err, torn)
	}
	if len(records) != len(every)-1 {
		t.Errorf("%d records of %d, two of which are left out", len(records), len(every)+1)
	}
	for _, r := range records {
		if kind := r.Event.Kind(); kind == (Called{}).Kind() || kind == (Step{}).Kind() {
			t.Errorf("a %s event", kind)
		}
	}
}
