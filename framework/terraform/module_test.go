package terraform_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/wlif-conformance/wlif-conformance/framework/terraform"
)

// program stands in for OpenTofu. What its commands print and how they end is in
// variables, by the command's name.
const program = `#!/bin/sh
command=$1
[ "$command" = version ] && { echo '{"terraform_version":"1.12.6"}'; exit 0; }
eval "text=\$PRINTS_$command status=\$ENDS_$command"
printf '%s\n' "$text"
[ -z "$status" ] || echo "Error: $command failed" >&2
exit ${status:-0}
`

func opened(t *testing.T, environ map[string]string) (*terraform.Module, string, error) {
	t.Helper()
	tofu, dir := filepath.Join(t.TempDir(), "tofu"), t.TempDir()
	if err := os.WriteFile(tofu, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	environ = maps.Clone(environ)
	if environ == nil {
		environ = map[string]string{}
	}
	environ["PATH"] = os.Getenv("PATH")
	m, err := terraform.Open(t.Context(), tofu, dir, fstest.MapFS{"main.tf": {Data: []byte("# nothing\n")}}, map[string]any{"name": "x"}, environ)
	return m, dir, err
}

func TestOpenWritesTheModuleAndItsVariables(t *testing.T) {
	_, dir, err := opened(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"main.tf": "# nothing\n", "run.auto.tfvars.json": `{"name":"x"}`} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != want {
			t.Errorf("%s is %q, %v, want %q", name, text, err, want)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "run.auto.tfvars.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: a variable is secret", info.Mode(), err)
	}
}

// What fails before a provider is asked for is no reason to call anything unavailable.
func TestFoldersThatCannotBeUsed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing", "folder")
	if err := os.WriteFile(filepath.Dir(missing), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"main.tf": {Data: []byte("# nothing\n")}}
	if _, err := terraform.Open(t.Context(), "tofu", missing, files, nil, nil); err == nil || errors.Is(err, terraform.ErrUnavailable) {
		t.Errorf("a folder below a file: %v", err)
	}
}

func TestCommandsThatFail(t *testing.T) {
	if _, _, err := opened(t, map[string]string{"ENDS_init": "1"}); !errors.Is(err, terraform.ErrUnavailable) || !strings.Contains(err.Error(), "init failed") {
		t.Errorf("init: %v", err)
	}
	for name, tc := range map[string]struct {
		do   func(*testing.T, *terraform.Module) error
		want string
	}{
		"apply":   {func(t *testing.T, m *terraform.Module) error { return m.Apply(t.Context()) }, "apply: "},
		"destroy": {func(t *testing.T, m *terraform.Module) error { return m.Destroy(t.Context()) }, "destroy: "},
		"plan":    {func(t *testing.T, m *terraform.Module) error { _, err := m.Changes(t.Context()); return err }, "plan: "},
		"output":  {func(t *testing.T, m *terraform.Module) error { _, err := m.Outputs(t.Context()); return err }, "output: "},
		"show":    {func(t *testing.T, m *terraform.Module) error { _, err := m.Resources(t.Context()); return err }, "show: "},
	} {
		t.Run(name, func(t *testing.T) {
			m, _, err := opened(t, map[string]string{"ENDS_" + name: "1"})
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.do(t, m); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), name+" failed") {
				t.Errorf("%v, want one that has %q and what the program said", err, tc.want)
			}
		})
	}
}

// plan is one of three resources and two outputs.
const plan = `{"format_version":"1.2","resource_changes":[
{"address":"a.same","change":{"actions":["no-op"]}},
{"address":"a.new","change":{"actions":["delete","create"]}},
{"address":"a.other","change":{"actions":["update"]}}],
"output_changes":{"id":{"actions":["update"]},"same":{"actions":["no-op"]}}}`

func TestChangesAreNamed(t *testing.T) {
	m, _, err := opened(t, map[string]string{"ENDS_plan": "2", "PRINTS_show": plan})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.new: [delete create]", "a.other: [update]", "output id: [update]"}
	if got, err := m.Changes(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if m, _, err = opened(t, map[string]string{"PRINTS_show": plan}); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Changes(t.Context()); err != nil || got != nil {
		t.Errorf("%q, %v, of a plan that changes nothing", got, err)
	}
}

func TestOutputsAndResources(t *testing.T) {
	m, _, err := opened(t, map[string]string{
		"PRINTS_output": `{"id":{"type":"string","value":"cat1"},"list":{"type":["list","string"],"value":["a"]}}`,
		"PRINTS_show":   `{"format_version":"1.0","values":{"root_module":{"resources":[{"address":"a.b"},{"address":"a.c"}]}}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Outputs(t.Context()); err != nil || !maps.Equal(got, map[string]string{"id": "cat1"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := m.Resources(t.Context()); err != nil || !slices.Equal(got, []string{"a.b", "a.c"}) {
		t.Errorf("%v, %v", got, err)
	}
	if m, _, err = opened(t, map[string]string{"PRINTS_show": `{"format_version":"1.0"}`}); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Resources(t.Context()); err != nil || got != nil {
		t.Errorf("%v, %v, of an empty state", got, err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := terraform.Find(); !errors.Is(err, terraform.ErrUnavailable) || !strings.Contains(err.Error(), "neither tofu nor terraform") {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"terraform", "tofu"} { // the second is looked for first
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(program), 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := terraform.Find(); err != nil || got != path {
			t.Errorf("%s, %v, want %s", got, err, path)
		}
	}
}
