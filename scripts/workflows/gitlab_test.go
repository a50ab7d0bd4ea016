package workflows

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// envSchema is the path of GitLab's schema; scripts/gitlab-schema fetches it.
const envSchema = "WLIF_GITLAB_SCHEMA"

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	path := os.Getenv(envSchema)
	if path == "" {
		t.Skip("GitLab's schema is not here; `make lint-gitlab` fetches it")
	}
	compiled, err := jsonschema.NewCompiler().Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(extended(tree))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(document)
}

// extended gives every job what it extends, as GitLab does before it looks: the schema
// lets templates, whose names begin with a dot, have anything.
func extended(tree map[string]any) map[string]any {
	out := map[string]any{}
	for name, job := range tree {
		if strings.HasPrefix(name, ".") {
			continue
		}
		out[name] = job
		if own, ok := job.(map[string]any); ok && own["extends"] != nil {
			out[name] = resolved(tree, own)
		}
	}
	return out
}

func resolved(tree, job map[string]any) map[string]any {
	out := map[string]any{}
	parents, several := job["extends"].([]any)
	if !several && job["extends"] != nil {
		parents = []any{job["extends"]}
	}
	for _, parent := range parents {
		name, _ := parent.(string)
		if from, ok := tree[name].(map[string]any); ok {
			laidOver(out, resolved(tree, from))
		}
	}
	laidOver(out, job)
	delete(out, "extends")
	return out
}

// laidOver merges maps, level by level; anything else replaces.
func laidOver(under, over map[string]any) {
	for key, value := range over {
		below, both := under[key].(map[string]any)
		if above, ok := value.(map[string]any); ok && both {
			merged := maps.Clone(below)
			laidOver(merged, above)
			under[key] = merged
			continue
		}
		under[key] = value
	}
}

func TestTheGitLabFileIsOfGitLabsSchema(t *testing.T) {
	s := schema(t)
	raw, err := os.ReadFile("../../.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if err := valid(t, s, text); err != nil {
		t.Error(err)
	}
	for title, change := range map[string][2]string{
		"a misspelt keyword":       {"after_script:", "after_scripts:"},
		"an unknown moment":        {"when: always\n    paths", "when: sometimes\n    paths"},
		"a token without an aud":   {"      aud: $CI_PROJECT_URL\n", "      audience: $CI_PROJECT_URL\n"},
		"a matrix that is no list": {"    matrix:\n      - K8S", "    matrix:\n        K8S"},
		"a timeout that is a list": {"timeout: 4h", "timeout: [4h]"},
		"stages that are no list":  {"stages: [test, night, cleanup]", "stages: {test: 1}"},
	} {
		broken := strings.Replace(text, change[0], change[1], 1)
		if broken == text {
			t.Errorf("%s: the file has no %q", title, change[0])
			continue
		}
		if valid(t, s, broken) == nil {
			t.Errorf("%s is not refused", title)
		}
	}
}
