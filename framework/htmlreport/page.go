package htmlreport

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

var (
	//go:embed assets/*.html.tmpl
	templates embed.FS
	//go:embed assets/page.css
	style string
	//go:embed assets/page.js
	script string
)

var pageTemplate = template.Must(template.New("page.html.tmpl").Funcs(template.FuncMap{
	"class": verdictClass, "word": wordClass, "short": short, "anchor": anchor, "pretty": pretty, "utc": utc,
	"ms": func(d time.Duration) string { return report.Duration(d).String() }, "dict": dict,
	"span": func(from, to float64) float64 { return to - from },
}).ParseFS(templates, "assets/*.html.tmpl"))

// Input is what a page is made of.
type Input struct {
	Report report.Report
	// Records are the run's journal; without them the page has no steps, no calls
	// and no waterfall.
	Records []journal.Record
	// Previous is the report of an earlier run to compare with; nil if there is none.
	Previous *report.Report
	// Proofs are, by requirement, the bugs that its checks are known to catch.
	Proofs map[string][]Bug
	// File reads a file of the run's folder, by its path below it; nil if there is
	// no folder.
	File func(name string) (string, error)
}

// Bug is a way to be wrong that checks are known to catch.
type Bug struct {
	// Doc says in a sentence what is wrong.
	Name, Doc string
}

// page is what the template sees.
type page struct {
	Policy template.HTMLAttr
	Style  template.CSS
	Script template.JS

	report.Report
	Headline, Class string
	Counts          []count
	Broken, Warned  []*requirement
	Areas           []area
	Facts           [][2]string
	Waterfall       *waterfall
	Plot            *plot
	Happened        []journal.Happened
	Changes         *report.Changes
	Outside         []callView
}

type count struct {
	Word, Class string
	N           int
}

// area is a part of the catalogue, in its order.
type area struct {
	Name         string
	Counts       []count
	Requirements []*requirement
}

// Render writes the page.
func Render(in Input) ([]byte, error) {
	p := compose(in)
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("rendering the HTML report: %w", err)
	}
	return out.Bytes(), nil
}

func compose(in Input) *page {
	s := tell(in.Records)
	r := in.Report
	p := &page{
		Style: template.CSS(style), Script: template.JS(script), Policy: policy(), Report: r, Facts: identity(r), //nolint:gosec // our own files
		Waterfall: s.draw(), Plot: s.plot(r.Propagation), Happened: s.happened,
	}
	p.Headline, p.Class = headline(r)
	if in.Previous != nil {
		changes := report.Diff(*in.Previous, r)
		p.Changes = &changes
	}
	for _, q := range r.Requirements {
		view := present(q, s, in)
		switch {
		case q.Warns():
			p.Warned = append(p.Warned, view)
		case q.Verdict == conformance.Fail, q.Verdict == conformance.Error:
			p.Broken = append(p.Broken, view)
		}
		p.place(view)
	}
	slices.SortStableFunc(p.Broken, func(a, b *requirement) int { return cmp.Compare(weight(a), weight(b)) })
	p.Counts = tally(r.Requirements)
	p.Outside = calls(s.outside, true)
	return p
}

// weight puts the gravest first, and what the target broke before what nobody knows.
func weight(q *requirement) int {
	if q.Verdict == conformance.Error {
		return 10
	}
	return slices.Index([]conformance.Severity{conformance.Critical, conformance.Major, conformance.Minor}, q.Severity)
}

// place puts a requirement into its area.
func (p *page) place(q *requirement) {
	name, _, _ := strings.Cut(q.ID, "/")
	if n := len(p.Areas); n == 0 || p.Areas[n-1].Name != name {
		p.Areas = append(p.Areas, area{Name: name})
	}
	last := &p.Areas[len(p.Areas)-1]
	last.Requirements = append(last.Requirements, q)
	var plain []report.Requirement
	for _, one := range last.Requirements {
		plain = append(plain, one.Requirement)
	}
	last.Counts = tally(plain)
}

func tally(list []report.Requirement) []count {
	var out []count
	for _, c := range report.Tally(list) {
		out = append(out, count{Word: c.Word, Class: wordClass(c.Word), N: c.N})
	}
	return out
}

// headline says in a few words how the run ended.
func headline(r report.Report) (text, class string) {
	switch r.Outcome.ExitCode {
	case report.ExitFailed:
		return "Not conformant", "fail"
	case report.ExitUsage:
		return "Not run: wrong usage", "error"
	case report.ExitEngine:
		return "Not decided", "error"
	case report.ExitLeft:
		return "Something was left behind", "fail"
	}
	if len(r.Profiles) > 0 && !r.Profiles[0].Conformant {
		return "Kept as far as asked", "pass"
	}
	return "Conformant", "pass"
}

// identity says what was tested, and with what.
func identity(r report.Report) [][2]string {
	var out [][2]string
	for _, row := range [][2]string{
		{"Cloud", r.Target.Cloud}, {"Endpoint", r.Target.Endpoint}, {"Cloud id", r.Target.CloudID}, {"Folder id", r.Target.FolderID},
		{"Cluster", r.Target.Cluster}, {"Cluster id", r.Target.ClusterID}, {"Kubernetes", r.Target.KubernetesVersion},
		{"Release channel", r.Target.ReleaseChannel}, {"Issuer", r.Target.Issuer}, {"JWKS URL", r.Target.JWKSURL},
		{"Engine", r.Target.Engine.Sentence()}, {"This machine", r.Target.Engine.Machine()},
		{"Tool", strings.TrimSpace(r.Run.Version + " " + r.Run.Commit)},
	} {
		if row[1] != "" {
			out = append(out, row)
		}
	}
	return out
}

// policy allows the page its own style and script, and nothing else: no request can
// leave it.
func policy() template.HTMLAttr {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return template.HTMLAttr(fmt.Sprintf(`content="default-src 'none'; img-src data:; style-src %s; script-src %s; base-uri 'none'; form-action 'none'"`, //nolint:gosec // of our own files
		hash(style), hash(script)))
}

// verdictClass names the colour of a verdict.
func verdictClass(v conformance.Verdict) string { return wordClass(string(v)) }

func wordClass(word string) string {
	switch word {
	case "FAIL (SHOULD)":
		return "warn"
	case "NOT_SUPPORTED":
		return "lacking"
	}
	return strings.ToLower(cmp.Or(word, "none"))
}

// anchor is a link to a requirement, whose id is its place in the page.
func anchor(id string) template.URL { return template.URL("#" + id) } //nolint:gosec // a fragment

// short is the last part of a method's name.
func short(method string) string {
	if i := strings.LastIndex(method, "."); i >= 0 && !strings.Contains(method, "://") {
		return method[i+1:]
	}
	return method
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// dict hands several values to a part of the template.
func dict(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return out
}
