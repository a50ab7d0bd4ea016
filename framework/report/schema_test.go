package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile("schema/" + strings.TrimPrefix(APIVersion, "wlif-conformance/") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// document is a conformance.yaml as a reader in any language sees it.
func document(t *testing.T, text []byte) any {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rendered(t *testing.T, r Report) any {
	t.Helper()
	text, err := YAML(r)
	if err != nil {
		t.Fatal(err)
	}
	return document(t, text)
}

func TestReportsAreOfTheSchema(t *testing.T) {
	s := schema(t)
	recorded := append([]journal.Event{opening}, journal.Observed{Requirement: conformance.TutorialExchange, Case: "c", Name: "status", Value: "400"},
		journal.Verdict{Requirement: conformance.TutorialExchange, Case: "c", Verdict: conformance.Recorded, Location: "suites/a.go:1"},
		journal.Measured{Requirement: conformance.TutorialExchange, What: "a role is granted", Duration: 3})
	shards, err := Merge(shard("a", nil), shard("b", nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Report{
		"full": Build(full(), []string{"journal-suite-7.jsonl:3: unfinished line"}), "nothing": Build(nil, nil), "green": Build(at(allPass...), nil),
		"recorded": Build(at(recorded...), nil), "merged": shards,
	} {
		if err := s.Validate(rendered(t, r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A schema that takes everything says nothing.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	for name, spoil := range map[string]func(*Report){
		"another version": func(r *Report) { r.APIVersion = "wlif-conformance/v0" }, "an unknown verdict": func(r *Report) { r.Requirements[0].Verdict = "GREEN" },
		"an unknown exit code": func(r *Report) { r.Outcome.ExitCode = 5 }, "a requirement without a source": func(r *Report) { r.Requirements[0].Sources = nil },
		"an error without a reason": func(r *Report) {
			r.Requirements[0].Verdict, r.Requirements[0].Reason = conformance.Error, ""
		},
		"a failure without a remedy": func(r *Report) { r.Requirements[0].Verdict, r.Requirements[0].Remediation = conformance.Fail, "" },
		"a count of another verdict": func(r *Report) { r.Profiles[0].Counts["GREEN"] = 1 }, "an id without an area": func(r *Report) { r.Requirements[0].ID = "exchange" },
	} {
		r := Build(full(), nil)
		spoil(&r)
		if s.Validate(rendered(t, r)) == nil {
			t.Errorf("%s is of the schema", name)
		}
	}
	more := rendered(t, Build(full(), nil)).(map[string]any)
	more["color"] = "green"
	if s.Validate(more) == nil {
		t.Error("an unknown field is of the schema")
	}
}

// TestPublishedReports: they are of the schema, and the index is theirs.
func TestPublishedReports(t *testing.T) {
	dir := filepath.Join("..", "..", "reports")
	paths, err := filepath.Glob(filepath.Join(dir, "*", ConformanceFile))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no reports are published: %v", err)
	}
	s := schema(t)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(document(t, text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		r, err := ReadYAML(path)
		if err != nil || r.Slot() != filepath.Base(filepath.Dir(path)) || r.Run.Reproduce == "" {
			t.Errorf("%s is in the wrong place, or cannot be repeated: %v", path, err)
		}
	}
	want, err := Index(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, IndexFile)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the index is not that of the reports; run `wlif report publish` (%v)", err)
	}
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	r := Build(full(), nil)
	if err := Publish(dir, r); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(dir, IndexFile))
	if err != nil || r.Slot() != "mock-embedded-1.36-core" || !strings.Contains(string(index), "[mock-embedded-1.36-core](mock-embedded-1.36-core/summary.md)") ||
		!strings.Contains(string(index), r.Run.Reproduce) || !strings.Contains(string(index), "1 FAIL, 1 ERROR") {
		t.Errorf("%s, %v, %s", r.Slot(), err, index)
	}
	r.Target.KubernetesVersion = ""
	if r.Slot() != "mock-embedded-unknown-core" {
		t.Error(r.Slot())
	}
	if err := os.WriteFile(filepath.Join(dir, "faults.md"), []byte("# Runs during faults\n\nText.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if index, err := Index(dir); err != nil || !strings.Contains(string(index), "\n- [Runs during faults](faults.md)\n") || strings.Contains(string(index), "("+IndexFile+")") {
		t.Errorf("the page is not listed, or the index is: %v\n%s", err, index)
	}
}
