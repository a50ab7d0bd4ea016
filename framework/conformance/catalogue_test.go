package conformance

import (
	"flag"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite REQUIREMENTS.md")

var slug = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$`)

func TestEveryRowIsComplete(t *testing.T) {
	seen := map[string]bool{}
	known := map[Feature]bool{}
	for _, f := range Features() {
		known[f.Name] = true
	}
	for _, r := range Catalogue() {
		t.Run(r.ID, func(t *testing.T) {
			if seen[r.ID] {
				t.Error("the id occurs twice")
			}
			seen[r.ID] = true
			if !slug.MatchString(r.ID) {
				t.Errorf("the id does not match %s", slug)
			}
			if before, _, _ := strings.Cut(r.ID, "/"); before != r.Area {
				t.Errorf("area %q does not belong to the id", r.Area)
			}
			if !slices.Contains([]Level{Must, Should, Record}, r.Level) {
				t.Errorf("unknown level %q", r.Level)
			}
			if !slices.Contains([]Severity{Critical, Major, Minor}, r.Severity) {
				t.Errorf("unknown severity %q", r.Severity)
			}
			if !strings.HasSuffix(r.Remediation, ".") && (r.Excluded == "" || r.Remediation != "") {
				t.Error("the remediation is not a sentence")
			}
			for _, f := range r.Features {
				if !known[f] {
					t.Errorf("unknown feature %q", f)
				}
			}
			checkStatement(t, r)
			checkSources(t, r)
		})
	}
}

func checkStatement(t *testing.T, r Requirement) {
	t.Helper()
	keyword := map[Level]string{Must: "MUST", Should: "SHOULD", Record: "RECORD"}[r.Level]
	if n := strings.Count(r.Statement, keyword); n != 1 {
		t.Errorf("the statement has %s %d times, want once: %s", keyword, n, r.Statement)
	}
	body := strings.TrimSuffix(r.Statement, ".")
	if body == r.Statement || strings.Contains(body, ". ") {
		t.Errorf("the statement is not one sentence: %s", r.Statement)
	}
}

func checkSources(t *testing.T, r Requirement) {
	t.Helper()
	if len(r.Sources) == 0 {
		t.Fatal("no source")
	}
	for _, s := range r.Sources {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("source %q has no https URL: %q", s, s.URL)
		}
		if s.Document == "" || s.Clause == "" {
			t.Errorf("source %+v lacks a document or a clause", s)
		}
	}
}

// The page makes a requirement that was lost, or a level that changed, visible in
// review.
func TestPageIsThatOfTheCatalogue(t *testing.T) {
	const page = "REQUIREMENTS.md"
	got := Page(Catalogue())
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is stale; run `make catalogue` and look at the difference", page)
	}
}

func TestPageSaysWhatIsSpecialOfARow(t *testing.T) {
	row := Requirement{
		ID: "exchange/x", Area: "exchange", Statement: "It | <a> MUST hold.", Level: Must, Severity: Major, Slow: true,
		Features: []Feature{KMS, WebHost}, Sources: []Source{tutorialClause("step 1")}, Excluded: "nobody can see it",
	}
	page := Page([]Requirement{row})
	for _, want := range []string{"## exchange\n", "| `exchange/x` | MUST | major |", `It \| &lt;a> MUST hold.`, "kms, web-host", "Slow.", "Not checked: nobody can see it", "[Managed Kubernetes WLIF tutorial, step 1](https://"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestProfilesNameKnownRequirementsOnce(t *testing.T) {
	for _, p := range Profiles() {
		if len(p.Requirements) == 0 {
			t.Errorf("profile %s is empty", p.Name)
		}
		sorted := slices.Sorted(slices.Values(p.Requirements))
		if len(slices.Compact(sorted)) != len(p.Requirements) {
			t.Errorf("profile %s names a requirement twice", p.Name)
		}
		for _, id := range p.Requirements {
			if _, ok := Lookup(id); !ok {
				t.Errorf("profile %s names %q, which is not in the catalogue", p.Name, id)
			}
		}
	}
}

func TestCoreIsTheTutorialAndNothingLeftBehind(t *testing.T) {
	core, err := FindProfile("core")
	if err != nil {
		t.Fatal(err)
	}
	if len(core.Requirements) != 13 || core.Requirements[12] != NothingLeftBehind {
		t.Errorf("core = %v", core.Requirements)
	}
}

// Each row is in the profile of its area and in full, and every area's profile
// has the invariants.
func TestEveryAreaHasAProfile(t *testing.T) {
	original := areas
	defer func() { areas = original }()
	areas = []func() []Requirement{
		tutorialArea,
		func() []Requirement { return area("exchange", []Requirement{{ID: "exchange/a"}, {ID: "exchange/b"}}) },
		func() []Requirement { return area("access", []Requirement{{ID: "access/a"}}) },
		invariantsArea,
	}
	var got []string
	for _, p := range Profiles() {
		text := p.Name
		if p.Name != ProfileCore && p.Name != ProfileFull {
			text += " " + strings.Join(p.Requirements, " ")
		}
		got = append(got, text)
	}
	var invariants string
	for _, r := range invariantsArea() {
		invariants += " " + r.ID
	}
	want := []string{"core", "exchange exchange/a exchange/b" + invariants, "access access/a" + invariants, "full"}
	if !slices.Equal(got, want) {
		t.Errorf("profiles %q, want %q", got, want)
	}
	if full, err := FindProfile(ProfileFull); err != nil || len(full.Requirements) != len(Catalogue()) {
		t.Errorf("full = %v, %v", full.Requirements, err)
	}
}

func TestFindProfileNamesTheKnownOnes(t *testing.T) {
	_, err := FindProfile("everything")
	if err == nil || !strings.Contains(err.Error(), `"everything"`) || !strings.Contains(err.Error(), "core") {
		t.Errorf("error = %v", err)
	}
}

func TestLookupUnknown(t *testing.T) {
	if r, ok := Lookup("tutorial/nothing"); ok {
		t.Errorf("found %v", r)
	}
}

func TestCombine(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cases []Verdict
		want  Verdict
	}{
		{"no case", nil, Skipped},
		{"one pass", []Verdict{Pass}, Pass},
		{"a breach outweighs all", []Verdict{Pass, Error, Skipped, Fail}, Fail},
		{"an error leaves it open", []Verdict{Pass, Error}, Error},
		{"error before skipped", []Verdict{Skipped, Error}, Error},
		{"a skipped case leaves it open", []Verdict{Pass, Skipped}, Skipped},
		{"what cannot be had does not spoil the rest", []Verdict{NotSupported, Pass}, Pass},
		{"nothing can be had", []Verdict{NotSupported, NotSupported}, NotSupported},
		{"recorded alone", []Verdict{Recorded, NotSupported}, Recorded},
		{"unknown is an error", []Verdict{"GREEN", Pass}, Error},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Combine(tc.cases...); got != tc.want {
				t.Errorf("Combine(%v) = %s, want %s", tc.cases, got, tc.want)
			}
		})
	}
}

func TestVerdictsAreValid(t *testing.T) {
	if len(Verdicts()) != 6 {
		t.Errorf("Verdicts() = %v", Verdicts())
	}
	for _, v := range Verdicts() {
		if !v.Valid() {
			t.Errorf("%s is not valid", v)
		}
	}
	if Verdict("GREEN").Valid() {
		t.Error("GREEN is valid")
	}
}
