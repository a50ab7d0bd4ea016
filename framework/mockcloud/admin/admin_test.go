package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/admin"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

type cloud struct {
	resources []state.Meta
	log       *audit.Log
	live      *settings.Live
	advanced  time.Duration
	ended     bool
	collected string
	holds     hold.Desk
}

func (c *cloud) Inventory() []state.Meta  { return c.resources }
func (c *cloud) Granted() []access.Bound  { return nil }
func (c *cloud) Audit() *audit.Log        { return c.log }
func (c *cloud) Settings() *settings.Live { return c.live }
func (c *cloud) Holds() *hold.Desk        { return &c.holds }
func (c *cloud) Shutdown()                { c.ended = true }

func (c *cloud) Work(context.Context) mk8s.Work { return mk8s.Work{Engine: "an engine"} }

func (c *cloud) CollectLogs(_ context.Context, dir string) error {
	c.collected = dir
	return nil
}

func (c *cloud) InFolder(folder string, resources []state.Meta, bindings []access.Bound) ([]state.Meta, []access.Bound) {
	return slices.DeleteFunc(resources, func(m state.Meta) bool { return m.FolderID != folder }), bindings
}

func (c *cloud) AddFolder(name string) (string, error) { return "b1g-" + name, nil }

func (c *cloud) Advance(d time.Duration) error {
	c.advanced += d
	return nil
}

const token = "the-token"

func serve(t *testing.T) (*cloud, func(method, path, authorization, body string) (int, string)) {
	t.Helper()
	c := &cloud{log: audit.New(nil), live: settings.NewLive(settings.Default())}
	s := httptest.NewServer(admin.Handler(c, token))
	t.Cleanup(s.Close)
	return c, func(method, path, authorization, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
}

func TestOnlyTheTokenOpensThePort(t *testing.T) {
	c, call := serve(t)
	for _, authorization := range []string{"", token, "Bearer", "Bearer ", "Bearer " + token + "x", "bearer " + token, "Basic " + token} {
		for _, verb := range []string{"GET /inventory", "GET /audit", "GET /settings", "PATCH /settings", "POST /faults", "POST /clock", "POST /folders", "POST /holds", "GET /holds", "DELETE /holds", "GET /work", "POST /logs", "POST /shutdown", "GET /nowhere"} {
			method, path, _ := strings.Cut(verb, " ")
			if status, _ := call(method, path, authorization, `{"advance":"1h"}`); status != http.StatusUnauthorized {
				t.Errorf("%s with %q: status %d", verb, authorization, status)
			}
		}
	}
	if c.advanced != 0 || c.ended || c.collected != "" {
		t.Error("a stranger changed something")
	}
}

func TestWhatThePortRefuses(t *testing.T) {
	c, call := serve(t)
	for _, x := range []struct {
		verb, body string
		status     int
		says       string
	}{
		{"PATCH /settings", `{"latency":{}}`, http.StatusBadRequest, `unknown field "latency"`},
		{"PATCH /settings", `{"propagation":"soon"}`, http.StatusBadRequest, "is no duration"},
		{"PATCH /settings", `{`, http.StatusBadRequest, "nothing was changed"},
		{"PATCH /settings", strings.Repeat(" ", 1<<20+1), http.StatusBadRequest, "too large"},
		{"POST /faults", `{"method":"*"}`, http.StatusBadRequest, "nothing was changed"},
		{"POST /faults", `[{"method":"*","code":"BROKEN"}]`, http.StatusBadRequest, "BROKEN"},
		{"POST /faults", `[], "leeway": "1s"`, http.StatusBadRequest, "nothing was changed"},
		{"POST /faults", ``, http.StatusBadRequest, "nothing was changed"},
		{"POST /faults", `null`, http.StatusBadRequest, "a list of faults"},
		{"POST /clock", `{"advnace":"1h"}`, http.StatusBadRequest, "advnace"},
		{"POST /clock", `{"advance":"-1h"}`, http.StatusBadRequest, "is no duration"},
		{"POST /clock", `{}`, http.StatusBadRequest, "advance"},
		{"POST /folders", `{}`, http.StatusBadRequest, "name"},
		{"POST /folders", `{"title":"x"}`, http.StatusBadRequest, "title"},
		{"POST /holds", `{"folder":"f"}`, http.StatusBadRequest, "the number of its call"},
		{"POST /holds", `{"folder":"f","method":"m","call":1,"until":"x"}`, http.StatusBadRequest, "until"},
		{"GET /holds?folder=f", "", http.StatusNotFound, "no point"},
		{"POST /logs", `{}`, http.StatusBadRequest, "absolute"},
		{"POST /logs", `{"dir":"beside"}`, http.StatusBadRequest, "absolute"},
		{"GET /shutdown", "", http.StatusMethodNotAllowed, ""},
		{"DELETE /inventory", "", http.StatusMethodNotAllowed, ""},
		{"GET /nowhere", "", http.StatusNotFound, ""},
	} {
		method, path, _ := strings.Cut(x.verb, " ")
		if status, body := call(method, path, "Bearer "+token, x.body); status != x.status || !strings.Contains(body, x.says) {
			t.Errorf("%s %.40q: status %d, %q; want %d, %q", x.verb, x.body, status, body, x.status, x.says)
		}
	}
	if c.advanced != 0 || c.ended || c.collected != "" || len(c.live.Get().Faults) != 0 || c.live.Get().Leeway != 0 {
		t.Error("a refused request changed something")
	}
}

func TestWhatThePortShowsAndSets(t *testing.T) {
	c, call := serve(t)
	get := func(path string) string {
		t.Helper()
		status, body := call(http.MethodGet, path, "Bearer "+token, "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: status %d, %s", path, status, body)
		}
		return body
	}
	change := func(method, path, body string) {
		t.Helper()
		if status, text := call(method, path, "Bearer "+token, body); status/100 != 2 {
			t.Errorf("%s %s: status %d, %s", method, path, status, text)
		}
	}
	if got, want := get("/inventory"), `{"bindings":[],"resources":[]}`+"\n"; got != want {
		t.Errorf("an empty inventory is %s", got)
	}
	if status, body := call(http.MethodPost, "/folders", "Bearer "+token, `{"name":"more"}`); status != http.StatusOK || body != `{"id":"b1g-more"}`+"\n" {
		t.Errorf("a new folder: status %d, %s", status, body)
	}
	c.resources = []state.Meta{{Type: "lockbox.secret", ID: "e6q"}}
	if got := get("/inventory"); !strings.Contains(got, `"e6q"`) {
		t.Errorf("the inventory is %s", got)
	}

	c.resources = []state.Meta{{Type: "lockbox.secret", ID: "e6q", FolderID: "b1gf"}, {Type: "lockbox.secret", ID: "e6r", FolderID: "b1gg"}}
	if got := get("/inventory?folder=b1gf"); !strings.Contains(got, `"e6q"`) || strings.Contains(got, `"e6r"`) {
		t.Errorf("the inventory of one folder is %s", got)
	}

	change(http.MethodPost, "/holds", `{"folder":"f","method":"a/B","call":1}`)
	ended := make(chan error)
	go func() {
		_, err := c.holds.Arrived(t.Context(), "a/B", []string{"f"})
		ended <- err
	}()
	change(http.MethodGet, "/holds?folder=f", "")
	change(http.MethodDelete, "/holds?folder=f", "")
	if err := <-ended; err != nil {
		t.Error(err)
	}

	c.log.Add(audit.Entry{Method: "a/B", Run: "r1", Verdict: audit.Refused, Reason: "no-token"})
	c.log.Add(audit.Entry{Method: "c/D", Run: "r2"})
	for path, want := range map[string]int{"/audit": 2, "/audit?run=r1": 1, "/audit?run=r3": 0} {
		n := 0
		for lines := bufio.NewScanner(strings.NewReader(get(path))); lines.Scan(); n++ {
			var e audit.Entry
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Error(err)
			}
		}
		if n != want {
			t.Errorf("%s: %d calls, want %d", path, n, want)
		}
	}

	change(http.MethodPatch, "/settings", `{"latencies":{"a/B":"3s"}}`)
	change(http.MethodPatch, "/settings", "propagation: 7s\n")
	if s := get("/settings"); !strings.Contains(s, `"a/B":"3s"`) || !strings.Contains(s, `"propagation":"7s"`) {
		t.Errorf("the settings are %s", s)
	}
	for range 2 { // the same faults again are new ones
		change(http.MethodPost, "/faults", `[{"method":"a/B","code":"UNAVAILABLE","calls":1}]`)
		if f, ok := c.live.Fault("a/B"); !ok || f.Code != "UNAVAILABLE" {
			t.Error("no fault")
		}
		if _, ok := c.live.Fault("a/B"); ok {
			t.Error("one fault too many")
		}
	}
	change(http.MethodPost, "/clock", `{"advance":"90m"}`)
	if c.advanced != 90*time.Minute {
		t.Errorf("the clock went on by %s", c.advanced)
	}
	if got := get("/work"); !strings.Contains(got, `"an engine"`) {
		t.Errorf("the work is %s", got)
	}
	change(http.MethodPost, "/logs", `{"dir":"/logs/here"}`)
	if c.collected != "/logs/here" {
		t.Errorf("logs went to %q", c.collected)
	}
	change(http.MethodPost, "/shutdown", "")
	if !c.ended {
		t.Error("no shutdown was asked for")
	}
}
