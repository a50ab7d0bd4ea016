package htmlreport

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// maxPage bounds, in bytes, the page of a whole run.
const maxPage = 2 << 20

// before demands that texts follow each other.
func before(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			t.Errorf("%q is not there, or not in its place", part)
			return
		}
		text = rest
	}
}

func TestRedRun(t *testing.T) {
	page := render(t, input(aRun(true)))
	before(t, page, "<h1>Not conformant</h1>", "<b>1</b> FAIL", "What is wrong, and what to do",
		"exchanging, although the aud is &lt;another&gt;", "another audience: the token&#39;s aud is other", "What to do:", `id="requirements"`, "Where the time went", "What was tested")
	q, _ := conformance.Lookup(broken)
	part := body(t, page, broken)
	before(t, part, "although the aud is &lt;another&gt;", "What to do:", "The token against the cloud", `class="differs"`, "wlif run --profile full --requirement="+broken,
		"MUST", "refused: aud is another", "OperationService/Get", "12 times", "200 OK", "request id req-1", `&#34;aud&#34;: &#34;https://other&#34;`,
		"subject_token = [hidden]", "the end of diagnostics/pod.txt")
	if !strings.Contains(part, q.Sources[0].URL) {
		t.Error("the source is not there")
	}
	if n := strings.Count(page, `class="differs"`); n != 1 {
		t.Errorf("%d rows are marked as different", n)
	}
}

func TestGreenRun(t *testing.T) {
	page := render(t, input(aRun(false)))
	before(t, page, "Events of the cluster", "Pod test-wlif: BackOff: Back-off pulling image", "events as a table", "wlif-r-tutorial/test-wlif", "Scheduled", "warning: BackOff")
	before(t, page, "PASS", "a role is granted", "What a cloud charges for", "catpaid", "master, address", "deleted", "Nothing was left behind")
	for _, absent := range []string{"What is wrong", "The token against", `<span class="badge fail"`} {
		if strings.Contains(page, absent) {
			t.Errorf("a green page has %q", absent)
		}
	}
	for _, q := range conformance.Catalogue() {
		if strings.Count(page, ` id="`+q.ID+`"`) != 1 {
			t.Errorf("%s has no place in the page", q.ID)
		}
	}
	if len(page) > maxPage {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// TestNothingIsFetched: an offline page names no other file than as a link to read.
func TestNothingIsFetched(t *testing.T) {
	page := render(t, input(aRun(true)))
	for _, found := range regexp.MustCompile(`(?i)(src|srcset|poster|action|data|background)="[^"]*"|url\([^)]*\)|@import|<link[^>]*>`).FindAllString(page, -1) {
		if found != `<link rel="icon" href="data:,">` {
			t.Errorf("the page names %s", found)
		}
	}
}

// TestCounts: the page's counts are those of the report.
func TestCounts(t *testing.T) {
	in := input(aRun(true))
	sum := 0
	for _, c := range compose(in).Counts {
		sum += c.N
		if got := in.Report.Profiles[0].Counts[conformance.Verdict(c.Word)]; got != c.N {
			t.Errorf("%d are %s, the report has %d", c.N, c.Word, got)
		}
	}
	if sum != len(in.Report.Requirements) {
		t.Errorf("%d of %d requirements are counted", sum, len(in.Report.Requirements))
	}
}

func TestHeadlines(t *testing.T) {
	for _, tc := range []struct {
		outcome report.Outcome
		all     bool
		want    string
	}{
		{report.Outcome{ExitCode: report.ExitConformant}, true, "Conformant"},
		{report.Outcome{ExitCode: report.ExitConformant}, false, "Kept as far as asked"},
		{report.Outcome{ExitCode: report.ExitFailed}, true, "Not conformant"},
		{report.Outcome{ExitCode: report.ExitUsage}, true, "Not run: wrong usage"},
		{report.Outcome{ExitCode: report.ExitEngine}, true, "Not decided"},
		{report.Outcome{ExitCode: report.ExitLeft}, true, "Something was left behind"},
	} {
		if got, _ := headline(report.Report{Outcome: tc.outcome, Profiles: []report.Profile{{Conformant: tc.all}}}); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.outcome, got, tc.want)
		}
	}
}

// TestWithoutJournal: a merged report has none.
func TestWithoutJournal(t *testing.T) {
	in := input(aRun(true))
	in.Records = nil
	if page := render(t, in); strings.Contains(page, "Where the time went") || !strings.Contains(page, "although the aud is") {
		t.Error("the page is not that of a report without a journal")
	}
}

func TestStory(t *testing.T) {
	s := tell(aRun(true))
	made := s.of(broken)
	if len(made) != 1 || made[0].verdict != conformance.Fail || made[0].compared == nil || len(made[0].steps) != 1 {
		t.Fatalf("%+v", made)
	}
	calls := made[0].steps[0].calls
	if len(calls) != 2 || calls[0].times != 12 || calls[1].Status != "200 OK" {
		t.Errorf("%+v", calls)
	}
	// A process that was killed leaves a check without a verdict.
	cut := tell([]journal.Record{
		{Time: noon, Process: "suite-1", Event: journal.CheckStarted{Requirement: broken, Case: "c"}},
		{Time: noon.Add(time.Second), Process: "suite-2", Event: journal.Called{Method: "m", Failed: true}},
	})
	if len(cut.checks) != 1 || cut.checks[0].verdict != "" || !cut.checks[0].ended.Equal(noon.Add(time.Second)) || len(cut.outside) != 1 {
		t.Errorf("%+v", cut)
	}
}

func TestWaterfall(t *testing.T) {
	w := tell(aRun(true)).draw()
	classes := map[string]int{}
	for _, b := range w.Bars {
		classes[b.Class]++
		if b.X < labelWidth || b.X+b.Width > w.Width || b.Y+b.Height > w.Height {
			t.Errorf("%s lies outside: %+v", b.Title, b)
		}
	}
	if classes["critical"] != 2 || classes["node"] != 3 || classes["bad"] != 1 || classes["v-fail"] != 1 || classes["v-pass"] < 100 || strings.Count(w.Path, "M") != 1 {
		t.Errorf("%v, path %q", classes, w.Path)
	}
	s := tell(aRun(true))
	s.planned.Nodes = append(s.planned.Nodes, journal.PlannedNode{Name: "never begun", After: []string{"cluster"}})
	if got := s.chain(); !slices.Equal(got, []string{"network", "cluster"}) {
		t.Errorf("the critical path is %q", got)
	}
	if len(w.Ticks) < 3 || len(w.Ticks) > 10 || w.Ticks[0].Text != "0:00" {
		t.Errorf("%+v", w.Ticks)
	}
	if tell(nil).draw() != nil {
		t.Error("nothing is drawn as something")
	}
}

func TestPlot(t *testing.T) {
	in := input(aRun(false))
	p := tell(in.Records).plot(in.Report.Propagation)
	row := p.Rows[0]
	if len(row.Dots) != row.Sum.Count || row.P50 >= row.P95 || row.P95 > row.Max || row.Max > p.Width || len(p.Ticks) < 4 {
		t.Errorf("%+v", p)
	}
}

// TestWrite: the page of the latest run like it is what a run is compared with.
func TestWrite(t *testing.T) {
	out := t.TempDir()
	folder := func(name string, records []journal.Record, change func(*report.Report)) (string, report.Report) {
		dir := filepath.Join(out, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		r := report.Build(records, nil)
		change(&r)
		if err := report.Write(dir, r); err != nil {
			t.Fatal(err)
		}
		return dir, r
	}
	folder("20261119T120000Z-a", aRun(true), func(r *report.Report) { r.Run.ID = "oldest" })
	folder("20261120T120000Z-b", aRun(true), func(r *report.Report) { r.Run.ID = "latest" })
	folder("20261120T130000Z-c", aRun(true), func(r *report.Report) { r.Run.ID, r.Run.Profile = "unlike", "core" })
	dir, r := folder("20261121T120000Z-d", aRun(false), func(*report.Report) {})
	folder("20261122T120000Z-e", aRun(true), func(r *report.Report) { r.Run.ID = "later" })
	for _, tc := range []struct{ previous, want string }{{"", "since run latest"}, {filepath.Join(out, "20261119T120000Z-a"), "since run oldest"}} {
		if err := Write(dir+"/", r, aRun(false), tc.previous, nil); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(dir, File))
		if err != nil || !strings.Contains(string(page), tc.want) {
			t.Errorf("%v, the page lacks %q", err, tc.want)
		}
		before(t, string(page), "What changed", broken, "FAIL", "PASS", `id="requirements"`)
	}
	if err := Write(dir, r, nil, filepath.Join(out, "none"), nil); err == nil {
		t.Error("a run to compare with that is not there is none")
	}
	info, err := os.Stat(filepath.Join(dir, File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestProofs: the page says of each requirement what shows that its checks can fail.
func TestProofs(t *testing.T) {
	in := input(aRun(true))
	in.Proofs = map[string][]Bug{broken: {{Name: "AnyAudience", Doc: "the <aud> is not looked at"}, {Name: "PrefixOfAudience", Doc: "a prefix is enough"}}, "issuer/token-iss-exact": {{Name: "IssuerGetsSlash", Doc: "a slash"}}}
	page := render(t, in)
	before(t, body(t, page, broken), "Known to catch 2 bugs of the mock cloud", "<code>AnyAudience</code>: the &lt;aud&gt; is not looked at", "<code>PrefixOfAudience</code>: a prefix is enough")
	const nothing = "No bug of the mock cloud shows that it can fail"
	for _, q := range conformance.Catalogue() {
		part := body(t, page, q.ID)
		_, caught := in.Proofs[q.ID]
		if strings.Contains(part, "Known to catch") != caught {
			t.Errorf("%s: a bug that is caught, or is not, and the page says otherwise", q.ID)
		}
		if got := strings.Contains(part, "broken fixture: <code>"+q.ProvenBy+"</code>"); got != (q.ProvenBy != "") {
			t.Errorf("%s: proven by %q, and the page says otherwise", q.ID, q.ProvenBy)
		}
		if want := !caught && q.ProvenBy == "" && q.Level != conformance.Record && q.Excluded == ""; strings.Contains(part, nothing) != want {
			t.Errorf("%s: proven by nothing is %t, and the page says otherwise", q.ID, want)
		}
	}
	if in.Proofs = nil; strings.Contains(render(t, in), nothing) {
		t.Error("where nobody knows the bugs, there seem to be none")
	}
}
