package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func testConfig(t *testing.T, environ ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(nil, append(environ, "WLIF_OUT="+filepath.Join(t.TempDir(), "runs")))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func testLaunch(t *testing.T) *launch {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	l, err := newLaunch(testConfig(t), selection{filter: "f"}, tools{suite: "/suites.test", ginkgo: "/ginkgo"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.journal.Close() })
	return l
}

func TestSelectChecks(t *testing.T) {
	cfg := testConfig(t)
	all, err := selectChecks(cfg)
	if err != nil || all.text != "" || all.asked != "profile core" || all.ids != nil || strings.Contains(all.filter, "invariants") {
		t.Errorf("%+v, %v", all, err)
	}
	cfg.Requirements = []string{"tutorial/ex*", "tutorial/exchange", "invariants/*"}
	some, err := selectChecks(cfg)
	if err != nil || some.filter != "requirement: containsAny {tutorial.exchange}" || some.asked != "profile core; "+some.text || !strings.Contains(some.text, "tutorial/ex*") || !slices.Equal(some.ids, []string{conformance.TutorialExchange}) {
		t.Errorf("%+v, %v", some, err)
	}
	cfg.Requirements, cfg.LabelFilter = nil, "requirement: containsAny {tutorial.payload}"
	if one, err := selectChecks(cfg); err != nil || !slices.Equal(one.ids, []string{conformance.TutorialPayload}) {
		t.Errorf("%+v, %v", one, err)
	}
}

// What selects nothing is refused in the words of who asked for it.
func TestEmptySelectionIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		patterns []string
		filter   string
		want     []string
	}{
		"nothing matches":      {[]string{"tutorial/*", "tutorial/nothing"}, "", []string{`"tutorial/nothing" matches no requirement of the profile core`, "wlif catalogue --profile core"}},
		"only the end":         {[]string{"invariants/*"}, "", []string{"invariants/nothing-left-behind: the end of every run decides it", "choose a check too"}},
		"no pattern":           {[]string{"["}, "", []string{"is not a pattern"}},
		"no filter":            {nil, "(((", []string{`label_filter = "((("`, "is no label filter"}},
		"filter selects none":  {[]string{"tutorial/exchange"}, "slow", []string{`label_filter = "slow"`, "profile core; requirements tutorial/exchange", "requirement:tutorial.exchange"}},
		"filter of another":    {[]string{"tutorial/exchange"}, "requirement: containsAny {tutorial.payload}", []string{"selects no check"}},
		"a check of that name": {[]string{"tutorial/exchange"}, "requirement: containsAny {tutorial.exchange}", nil},
		"not slow":             {[]string{"tutorial/exchange"}, "tutorial && must && !slow", nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Requirements, cfg.LabelFilter = tc.patterns, tc.filter
			_, err := selectChecks(cfg)
			var wrong *config.Error
			if errors.As(err, &wrong) != (tc.want != nil) {
				t.Fatalf("error = %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestSuiteGetsCredentialsByTheEnvironmentOnly(t *testing.T) {
	l := testLaunch(t)
	l.cfg.Credentials.Token = config.NewSecret("y0_canarycanarycanary")
	environ := suiteEnviron(l, []string{"PATH=/bin", "YC_IAM_TOKEN=other", "WLIF_CLOUD=yandex", "SSL_CERT_FILE=/ca"})
	want := []string{"PATH=/bin", "SSL_CERT_FILE=/ca", "YC_TOKEN=y0_canarycanarycanary", config.EnvRunConfig + "=" + l.folder.ConfigFile(), config.EnvCanary + "=" + l.canary}
	if !slices.Equal(environ, want) {
		t.Errorf("environment %q", environ)
	}
	if strings.Contains(strings.Join(suiteCommand(l), " "), "canary") {
		t.Error("a credential is among the arguments")
	}
}

// One process needs nobody to hand its flags on; the flags are the same.
func TestSuiteCommand(t *testing.T) {
	l := testLaunch(t)
	l.chosen.filter, l.tools = "requirement: containsAny {a, b}", tools{suite: "/bin/suites.test", ginkgo: "/bin/ginkgo"}
	flags := func(procs int, prefix string) (program string, out []string) {
		t.Helper()
		l.cfg.Procs = procs
		command := suiteCommand(l)
		for _, word := range command {
			if flag, ok := strings.CutPrefix(word, prefix); ok && !strings.HasPrefix(flag, "procs=") && flag != "keep-going" {
				out = append(out, flag)
			}
		}
		return command[0], out
	}
	alone, of := flags(1, "--ginkgo.")
	together, by := flags(4, "--")
	if alone != l.tools.suite || together != l.tools.ginkgo {
		t.Errorf("one process is started by %s, four by %s", alone, together)
	}
	if !slices.Equal(of, by) || !slices.Contains(of, "label-filter="+l.chosen.filter) || !slices.Contains(of, "fail-on-empty") {
		t.Errorf("flags of one process %q, of four %q", of, by)
	}
}

func TestUsageProblemsEndInTwo(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"usage", usageError(errors.New("x")), true},
		{"configuration", &config.Error{Problems: []config.Problem{{Key: "k"}}}, true},
		{"hinted usage", hinted(usageError(errors.New("x")), "h"), true},
		{"hinted engine", hinted(errors.New("x"), "h"), false},
		{"engine", errors.New("x"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := testLaunch(t)
			l.problem("preflight", tc.err)
			records, _, err := journal.Read(string(l.folder))
			if err != nil {
				t.Fatal(err)
			}
			if got := records[0].Event.(journal.Problem); got.Usage != tc.want || !strings.Contains(got.Reason, tc.err.Error()) {
				t.Errorf("problem %+v", got)
			}
		})
	}
}

// A run whose reports nobody wants leaves its journal, of which they can be made.
func TestOnlyTheJournal(t *testing.T) {
	for _, only := range []bool{false, true} {
		l := testLaunch(t)
		l.journalOnly = only
		l.begin()
		l.report("")
		_, err := os.Stat(filepath.Join(string(l.folder), report.JSONFile))
		if made := err == nil; made == only {
			t.Errorf("journalOnly %t: %v", only, err)
		}
		if made, err := readRun(filepath.Dir(string(l.folder))); err != nil || made.report.Run.ID != l.id {
			t.Errorf("journalOnly %t: run %q, %v", only, made.report.Run.ID, err)
		}
	}
}

func TestInventoryDecidesNothingLeftBehind(t *testing.T) {
	left := []journal.ResourceLeft{{Type: "vpc.network", ID: "enp1"}}
	for _, tc := range []struct {
		name string
		left []journal.ResourceLeft
		err  error
		want conformance.Verdict
	}{
		{"clean", nil, nil, conformance.Pass},
		{"left", left, nil, conformance.Fail},
		{"unknown", nil, errors.New("no answer"), conformance.Error},
		{"left and unknown", left, errors.New("no answer"), conformance.Fail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := testLaunch(t)
			l.journalInventory(tc.left, tc.err, 0)
			records, torn, err := journal.Read(string(l.folder))
			if err != nil {
				t.Fatal(err)
			}
			made := report.Build(records, torn)
			i := slices.IndexFunc(made.Requirements, func(r report.Requirement) bool { return r.ID == conformance.NothingLeftBehind })
			if made.Requirements[i].Verdict != tc.want || len(made.Inventory.Left) != len(tc.left) || made.Inventory.Complete != (tc.err == nil) {
				t.Errorf("requirement %+v, inventory %+v", made.Requirements[i], made.Inventory)
			}
		})
	}
}

// What the suite decided is not decided again; what it did not come to is.
func TestDeletionIsJudgedOnce(t *testing.T) {
	l := testLaunch(t)
	count := func() (n int) {
		records, _, err := journal.Read(string(l.folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if _, ok := r.Event.(journal.Verdict); ok {
				n++
			}
		}
		return n
	}
	l.judgeDeletion(nil, nil, 0)
	if count() != 0 {
		t.Error("a target that was never complete was judged")
	}
	if err := l.folder.SaveTarget(provision.Target{}); err != nil {
		t.Fatal(err)
	}
	l.judgeDeletion(nil, nil, 0)
	l.judgeDeletion(nil, nil, 0)
	if count() != 1 {
		t.Errorf("%d verdicts", count())
	}
}

func TestInterruptsCount(t *testing.T) {
	counts := make(chan int, 4)
	i := catchInterrupts(func(count int) { counts <- count })
	defer i.stop()
	first, cancelFirst := i.until(t.Context(), 1)
	defer cancelFirst()
	third, cancelThird := i.until(t.Context(), 3)
	defer cancelThird()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if third.Err() != nil || i.times() != 1 {
		t.Errorf("after one signal: third %v, times %d", third.Err(), i.times())
	}
	i.interrupted()
	i.interrupted()
	<-third.Done()
	i.interrupted() // one too many does no harm
	for want := 1; want <= 4; want++ {
		if got := <-counts; got != want {
			t.Errorf("count %d, want %d", got, want)
		}
	}
}

func TestMockIsStartedAskedAndStopped(t *testing.T) {
	cfg := testConfig(t)
	cfg.K8sVersion = "" // nothing to prepare: no cluster is started
	for _, name := range []string{"SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY"} {
		t.Setenv(name, "")
	}
	m, err := startMock(t.Context(), mockOptions{cfg: cfg, runID: provision.NewRunID(), audit: filepath.Join(t.TempDir(), "audit"), say: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.apply(cfg); err != nil {
		t.Error(err)
	}
	if cfg.OtherFolderID == "" || cfg.OtherFolderID == cfg.FolderID || cfg.ExpiredToken.IsZero() {
		t.Errorf("second folder %q, an expired token: %t", cfg.OtherFolderID, !cfg.ExpiredToken.IsZero())
	}
	if cfg.Endpoint == "" || cfg.FolderID == "" || cfg.Credentials.Token.IsZero() || os.Getenv("SSL_CERT_FILE") == "" || os.Getenv("HTTPS_PROXY") != m.announced.Proxy || os.Getenv("NO_PROXY") != "127.0.0.1" {
		t.Errorf("endpoint %q, folder %q, proxy %q except for %q", cfg.Endpoint, cfg.FolderID, os.Getenv("HTTPS_PROXY"), os.Getenv("NO_PROXY"))
	}
	if listed, err := m.inventory(t.Context()); err != nil || len(listed) != 0 {
		t.Errorf("inventory %v, %v", listed, err)
	}
	header := provision.Header{Local: map[string]string{localMockDir: m.dir, localMockPID: "1"}}
	if mockAlive(header) {
		t.Error("process 1 was taken for the mock")
	}
	if err := m.stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(m.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mock's folder is still there: %v", err)
	}
}

// Roles that were granted and not taken back are left behind as resources are.
func TestInventoryOfTheMockHasBindings(t *testing.T) {
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"resources":[],"bindings":[{"resource":"b1gf","binding":{"role":"viewer","subject":{"id":"aje1"}}}]}`)
	}))
	defer admin.Close()
	m := &mockProcess{announced: mockcloud.Announcement{Admin: admin.URL}}
	listed, err := m.inventory(t.Context())
	if err != nil || len(listed) != 1 || listed[0].ID != "viewer:aje1" || listed[0].Type != provision.KindAccessBinding {
		t.Errorf("inventory %+v, %v", listed, err)
	}
}

func TestMockThatDoesNotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tc := range []struct {
		name   string
		change func(*config.Config)
		want   string
		code   int
	}{
		{"unknown version", func(c *config.Config) { c.K8sVersion = "1.99" }, `no Kubernetes "1.99"`, 2},
		{"no settings", func(c *config.Config) { c.MockSettings = "/nonexistent/settings" }, "/nonexistent/settings", 2},
		{"port taken", func(c *config.Config) { c.K8sVersion, c.MockListen = "", taken.Addr().String() }, "address already in use", 3},
		{"no time", func(c *config.Config) { c.K8sVersion, c.Timeouts.MockStart = "", config.Duration(time.Nanosecond) }, "timeout.mock_start", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig(t)
			tc.change(cfg)
			id := provision.NewRunID()
			_, err := startMock(t.Context(), mockOptions{cfg: cfg, runID: id, audit: filepath.Join(t.TempDir(), "audit"), say: func(string) {}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error = %v", err)
			}
			var out bytes.Buffer
			if code := explain(err, &out); code != tc.code {
				t.Errorf("code %d: %s", code, out.String())
			}
			if _, err := os.Stat(mockDir(id)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the mock's folder is still there: %v", err)
			}
		})
	}
}
