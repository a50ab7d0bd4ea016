package mockcloud

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/oauth"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// bugTrial is one thing that a bug changes.
type bugTrial struct {
	// before is done when the bug acts already and the good token has been tried.
	before func(*exchangeWorld)
	// probe says what comes of the request that the bug changes.
	probe func(*exchangeWorld) string
	// strict is what comes of it without the bug, wrong with it.
	strict, wrong string
}

// elsewhere is a folder that no exchange of the tests concerns.
const elsewhere = "b1gelsewhere00000000"

// TestBugsOfTheExchange: each bug changes what it names in its folder, and nothing
// once it is gone or if it is in another folder.
func TestBugsOfTheExchange(t *testing.T) {
	for name, trial := range exchangeTrials() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newExchangeWorld(t)
			w.cloud.Settings().Change(func(s *settings.Settings) {
				// Every exchange fetches the key set, and a busy machine may take its time.
				s.JWKS.TTL, s.JWKS.Timeout, s.JWKS.MaxBytes = 0, settings.Duration(time.Minute), 64<<10
			})
			folder := w.cloud.World().FolderID
			w.setBugs(folder, name)
			w.send(http.MethodPost, formType, w.form(w.rs256(w.claims())).Encode())
			if trial.before != nil {
				trial.before(w)
			}
			if got := trial.probe(w); got != trial.wrong {
				t.Errorf("with the bug: %s, want %s", got, trial.wrong)
			}
			w.setBugs(folder)
			if got := trial.probe(w); got != trial.strict {
				t.Errorf("without the bug: %s, want %s", got, trial.strict)
			}
			w.setBugs(elsewhere, name)
			if got := trial.probe(w); got != trial.strict {
				t.Errorf("with the bug in another folder: %s, want %s", got, trial.strict)
			}
			w.setBugs(bugs.Everywhere, name)
			if got := trial.probe(w); got != trial.wrong {
				t.Errorf("with the bug everywhere: %s, want %s", got, trial.wrong)
			}
		})
	}
}

// TestEveryBugOfTheExchangeIsTried: a bug without a trial may do nothing.
func TestEveryBugOfTheExchangeIsTried(t *testing.T) {
	tried := slices.Sorted(maps.Keys(exchangeTrials()))
	if known := oauth.Bugs(); !slices.Equal(tried, known) {
		t.Errorf("tried are\n%v\nthe token endpoint knows\n%v", tried, known)
	}
	for _, name := range oauth.Bugs() {
		if _, err := bugs.Lookup(name); err != nil {
			t.Error(err)
		}
	}
	areas := []string{"token", "time", "claims", "jwks", "request", "state", "answer"}
	for _, b := range bugs.All() {
		if slices.Contains(areas, b.Area) && !slices.Contains(tried, b.Name) {
			t.Errorf("%s does nothing", b.Name)
		}
	}
}

// TestBugsOfTwoFoldersDoNotMeet: a request that names no known account concerns the
// folder whose federations have the token's issuer, and none if several have it.
func TestBugsOfTwoFoldersDoNotMeet(t *testing.T) {
	w := newExchangeWorld(t)
	w.setBugs(w.cloud.World().FolderID, "UnknownAccountReplaced")
	form := w.form(w.rs256(w.claims()))
	form.Set("audience", unknownAccount)
	if got := w.outcome(w.send(http.MethodPost, formType, form.Encode())); got != accepted {
		t.Errorf("one folder has the issuer: %s", got)
	}
	w.addFederation(w.cloud.World().OtherFolderID, testIssuer, w.jwksURL)
	if got := w.outcome(w.send(http.MethodPost, formType, form.Encode())); got != "service-account-unknown" {
		t.Errorf("two folders have the issuer: %s", got)
	}
}

func exchangeTrials() map[string]bugTrial {
	out := map[string]bugTrial{}
	for _, table := range []map[string]bugTrial{tokenTrials(), claimTrials(), keyTrials(), requestTrials(), stateTrials(), answerTrials()} {
		maps.Copy(out, table)
	}
	return out
}

func (w *exchangeWorld) setBugs(folder string, names ...string) {
	w.cloud.Settings().Change(func(s *settings.Settings) { s.Bugs = map[string][]string{folder: names} })
}

const (
	formType       = "application/x-www-form-urlencoded"
	unknownAccount = "ajeunknown0000000000"
	accepted       = "accepted"
)

// sent is an answer, whatever it looks like.
type sent struct {
	status int
	header http.Header
	body   string
}

// send makes a request; below is what follows the endpoint's address.
func (w *exchangeWorld) send(method, contentType, body string, below ...string) sent {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.cloud.Announcement().TokenEndpoint+strings.Join(below, ""), strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := w.http.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return sent{resp.StatusCode, resp.Header, string(raw)}
}

// outcome is accepted, or the audited reason.
func (w *exchangeWorld) outcome(s sent) string {
	w.Helper()
	e, ok := w.cloud.Audit().ByRequest(s.header.Get("X-Request-Id"))
	if !ok {
		w.Fatal("the audit log does not know the request id of the answer")
	}
	if hasToken := strings.Contains(s.body, `"access_token":"t1.`); hasToken != (e.Reason == "") {
		w.Fatalf("audited reason %q, a token in the answer: %v", e.Reason, hasToken)
	}
	if e.Reason == "" {
		return accepted
	}
	return strings.TrimPrefix(e.Reason, "exchange/")
}

// exchanging probes with a token.
func exchanging(token func(*exchangeWorld) string) func(*exchangeWorld) string {
	return func(w *exchangeWorld) string {
		return w.outcome(w.send(http.MethodPost, formType, w.form(token(w)).Encode()))
	}
}

// good probes with the good token.
var good = exchanging(func(w *exchangeWorld) string { return w.rs256(w.claims()) })

// letsIn is a bug that accepts a token which is refused for a reason.
func letsIn(why string, token func(*exchangeWorld) string) bugTrial {
	return bugTrial{probe: exchanging(token), strict: why, wrong: accepted}
}

// claiming is a token with one claim changed.
func claiming(name string, value func(*exchangeWorld) any) func(*exchangeWorld) string {
	return func(w *exchangeWorld) string { return w.rs256(with(w.claims(), name, value(w))) }
}

// is a claim that does not depend on the world.
func is(value any) func(*exchangeWorld) any { return func(*exchangeWorld) any { return value } }
