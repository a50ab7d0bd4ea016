package htmlreport

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"

	// Drives a Chromium of the machine over its DevTools protocol: a page for readers
	// can be tested only as a browser shows it.
	"github.com/chromedp/chromedp"

	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Environment of the tests with a browser (`make test-html`).
const (
	// envChromium, if set, makes a missing browser a failure.
	envChromium = "WLIF_CHROMIUM"
	// envAxe is the path of axe-core's axe.min.js; scripts/axe fetches it.
	envAxe = "WLIF_AXE"
	// envRuns are folders of runs, separated by colons, whose pages are opened too.
	envRuns = "WLIF_HTML_RUNS"
	// envShots is a folder for pictures.
	envShots = "WLIF_HTML_SHOTS"
)

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv(envChromium) != "" {
		t.Fatal("there is no Chromium; on Debian: apt-get install chromium")
	}
	t.Skip("there is no Chromium; `make test-html` demands one")
	return ""
}

// tab is a page that is open in a browser of its own.
type tab struct {
	context.Context
	t    *testing.T
	mu   sync.Mutex
	said []string
	took time.Duration
}

// scratch is a folder for a browser's files. Its path is short: sockets are in it.
// It goes when the last of the browser's processes writes no more, which is a little
// after the browser's end.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wlif-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for late := time.Now().Add(actionLimit); ; <-again.C {
			err := os.RemoveAll(dir)
			if err == nil {
				return
			}
			if time.Now().After(late) {
				t.Error(err)
				return
			}
		}
	})
	return dir
}

// open shows a page, and notes every request but that of the page and every word on
// its console.
func open(t *testing.T, page string) *tab {
	t.Helper()
	own := scratch(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(filepath.Join(own, "profile")), chromedp.Env("TMPDIR="+own), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// A machine that does much else takes long to start one.
		chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	// The library does not know every event of a newer browser.
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	// A browser that is only killed goes on writing into its folder.
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	address := (&url.URL{Scheme: "file", Path: page}).String()
	b := &tab{Context: ctx, t: t}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if at, _, _ := strings.Cut(e.Request.URL, "#"); at != address && !strings.HasPrefix(at, "data:") {
				b.note("a request to " + e.Request.URL)
			}
		case *runtime.EventConsoleAPICalled:
			b.note(fmt.Sprintf("the console says %s: %s", e.Type, e.Args[0].Value))
		case *runtime.EventExceptionThrown:
			b.note("the script failed: " + e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			b.note(fmt.Sprintf("the browser says %s: %s", e.Entry.Level, e.Entry.Text))
		}
	})
	// The first call starts the browser, which lives as long as its context.
	if err := chromedp.Run(b); err != nil {
		t.Fatal(err)
	}
	b.do(network.Enable(), log.Enable(), runtime.Enable())
	began := time.Now()
	b.do(chromedp.Navigate(address))
	b.took = time.Since(began)
	return b
}

func (b *tab) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, text)
}

// quiet demands that nothing was noted.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		b.t.Error(text)
	}
}

// actionLimit bounds one thing that is done in a page: what is waited for is there,
// or never comes.
const actionLimit = time.Minute

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	for i, action := range actions {
		ctx, cancel := context.WithTimeout(b, actionLimit)
		err := chromedp.Run(ctx, action)
		cancel()
		if err != nil {
			b.t.Fatalf("action %d, %T: %v", i+1, action, err)
		}
	}
}

// click clicks with the mouse into the middle of an element.
func (b *tab) click(selector string) {
	b.t.Helper()
	var at []float64
	b.do(chromedp.Evaluate(`(() => { const e = document.querySelector(`+"`"+selector+"`"+`); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] })()`, &at))
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// await waits for an expression of a page that may still be loading to hold.
func (b *tab) await(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, actionLimit)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for holds := false; ; {
		err := chromedp.Run(ctx, chromedp.Evaluate(expression, &holds))
		if err == nil && holds {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			b.t.Fatalf("%s does not come to hold: %v", expression, err)
		}
	}
}

// is evaluates an expression of the page.
func is[T comparable](b *tab, what, expression string, want T) {
	b.t.Helper()
	var got T
	b.do(chromedp.Evaluate(expression, &got))
	if got != want {
		b.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const (
	shownCount = `[...document.querySelectorAll('details.req')].filter(r => r.checkVisibility()).length`
	failed     = `document.querySelector('details.req[data-id="` + broken + `"]')`
)

func save(t *testing.T, in Input) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), File)
	if err := os.WriteFile(path, []byte(render(t, in)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInBrowser(t *testing.T) {
	in := input(aRun(true))
	all := len(in.Report.Requirements)
	b := open(t, save(t, in))

	is(b, "shown at first", shownCount, all)
	b.click(`a.chip[data-verdict="FAIL"]`)
	is(b, "shown of FAIL", shownCount, 1)
	is(b, "what is said", `document.getElementById('shown').textContent`, fmt.Sprintf("1 of %d requirements are shown", all))
	b.click(`#reset`)
	is(b, "shown again", shownCount, all)

	b.click(`#search`)
	b.do(chromedp.KeyEvent("AUD-other exchange"))
	is(b, "found", shownCount, 1)
	is(b, "areas with a heading", `[...document.querySelectorAll('section.area')].filter(a => a.checkVisibility()).length`, 1)
	is(b, "it is the failed one", failed+`.checkVisibility()`, true)

	// A link by id shows what a filter hides.
	b.click(`#search`)
	b.do(chromedp.KeyEvent(" nothing has this"))
	is(b, "found of nothing", shownCount, 0)
	b.click(`.card a.id`)
	b.await(failed + `.checkVisibility()`)
	is(b, "the linked one is open", failed+`.open`, true)

	// By keyboard: closed and opened where the link put the focus.
	is(b, "the focus", `document.activeElement === `+failed+`.querySelector('summary')`, true)
	b.do(chromedp.KeyEvent("\r"))
	is(b, "closed by Enter", failed+`.open`, false)
	b.do(chromedp.KeyEvent("\r"))
	is(b, "opened by Enter", failed+`.open`, true)
	is(b, "the cause is on the first screen", `(() => { const r = `+failed+`.querySelector('.cause').getBoundingClientRect(); return r.top >= 0 && r.bottom < innerHeight })()`, true)
	b.click(`details.req[data-id="` + broken + `"] .calls > li:last-child > details > summary`)
	is(b, "an exchange is shown", failed+`.innerText.includes('subject_token = [hidden]')`, true)
	b.quiet()
}

// TestLinkByID: a link from outside opens the requirement, with the script and
// without it.
func TestLinkByID(t *testing.T) {
	page := save(t, input(aRun(false)))
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %t", scripts), func(t *testing.T) {
			b := open(t, page)
			b.do(emulation.SetScriptExecutionDisabled(!scripts),
				chromedp.Navigate("about:blank"), chromedp.Navigate((&url.URL{Scheme: "file", Path: page, Fragment: broken}).String()))
			b.await(failed + `.open`)
			is(b, "the form is there", `document.getElementById('filter').checkVisibility()`, scripts)
			is(b, "it is on the screen", `(() => { const r = `+failed+`.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight })()`, true)
		})
	}
}

// TestAccessible lets axe-core look at the page, with everything open, in both
// colour schemes and at two widths.
func TestAccessible(t *testing.T) {
	path := os.Getenv(envAxe)
	if path == "" {
		if os.Getenv(envChromium) != "" {
			t.Fatal(envAxe + " names no axe.min.js; scripts/axe fetches it")
		}
		t.Skip(envAxe + " names no axe.min.js; `make test-html` fetches it")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := input(aRun(true))
	// A part of the catalogue has every kind of row, and is looked through sooner.
	in.Report.Requirements = slices.DeleteFunc(in.Report.Requirements, func(q report.Requirement) bool {
		return !strings.HasPrefix(q.ID, "exchange/a") && !strings.HasPrefix(q.ID, "invariants/")
	})
	b := open(t, save(t, in))
	b.do(chromedp.Evaluate(string(axe)+"; true", nil))
	b.do(chromedp.Evaluate(`[...document.querySelectorAll('.req[data-word="FAIL"], .req[data-word="FAIL"] details, main > section > details, #a')].forEach(d => d.open = true), true`, nil))
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			var found string
			b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
				chromedp.EmulateViewport(width, 900),
				chromedp.Evaluate(`axe.run().then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)}))))`,
					&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			var violations []struct {
				ID, Help string
				Nodes    []string
			}
			if err := json.Unmarshal([]byte(found), &violations); err != nil {
				t.Fatal(err)
			}
			for _, v := range violations {
				t.Errorf("%s, %d wide: %s: %s\n%s", scheme, width, v.ID, v.Help, strings.Join(v.Nodes, "\n"))
			}
			is(b, "the page is no wider than the screen", `document.documentElement.scrollWidth <= innerWidth`, true)
		}
	}
}

// TestRunsInBrowser opens pages of real runs. How long that takes is reported, and
// nothing is demanded of it.
func TestRunsInBrowser(t *testing.T) {
	if os.Getenv(envRuns) == "" {
		t.Skip(envRuns + " names no folders of runs")
	}
	for _, dir := range filepath.SplitList(os.Getenv(envRuns)) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			page, err := filepath.Abs(filepath.Join(dir, File))
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(page)
			if err != nil {
				t.Fatal(err)
			}
			b := open(t, page)
			t.Logf("%d bytes, opened in %s", info.Size(), b.took.Round(time.Millisecond))
			if info.Size() > maxPage {
				t.Errorf("the page has %d bytes", info.Size())
			}
			b.quiet()
			shoot(b, filepath.Base(dir))
		})
	}
}

// shoot takes pictures of what a reader sees first, of a failed requirement and of
// the waterfall.
func shoot(b *tab, name string) {
	folder := os.Getenv(envShots)
	if folder == "" {
		return
	}
	for _, screen := range []struct {
		name, scheme  string
		width, height int64
	}{{"desktop", "light", 1280, 1000}, {"phone", "dark", 390, 844}} {
		for part, show := range map[string]string{
			"first":       `scrollTo(0, 0), true`,
			"requirement": `(() => { const r = document.querySelector('.req[open]') || document.querySelector('.req'); r.open = true; r.scrollIntoView(); return true })()`,
			"waterfall":   `document.getElementById('h-time').scrollIntoView(), true`,
			"changes":     `(document.getElementById('h-changes') || document.body).scrollIntoView(), true`,
		} {
			var picture []byte
			b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: screen.scheme}}),
				chromedp.EmulateViewport(screen.width, screen.height), chromedp.Evaluate(show, nil),
				// What has just come onto the screen is drawn in the next frame.
				chromedp.Evaluate(`new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`, nil,
					func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
				chromedp.CaptureScreenshot(&picture))
			if err := os.WriteFile(filepath.Join(folder, name+"-"+screen.name+"-"+part+".png"), picture, 0o600); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}
