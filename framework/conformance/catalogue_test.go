package conformance

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

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
			if r.Remediation == "" || !strings.HasSuffix(r.Remediation, ".") {
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

// The golden file makes a requirement that was lost, or a level that changed,
// visible in review.
func TestCatalogueIsTheGoldenOne(t *testing.T) {
	got, err := yaml.Marshal(Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "catalogue.yaml")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the catalogue differs from %s; run with -update and look at the difference", path)
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
