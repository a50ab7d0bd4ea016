package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEdit(t *testing.T) {
	for name, tc := range map[string]struct{ spec, want string }{
		"a privileged container": {
			`{"ociVersion":"1.0.2","process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"permitted":["CAP_SYS_RESOURCE"]},"oomScoreAdj":-999}}`,
			`{"ociVersion":"1.0.2","process":{"capabilities":{"bounding":["CAP_CHOWN"],"permitted":[]}}}`,
		},
		"an exec's process":               {`{"args":["sh"],"capabilities":{"effective":["CAP_SYS_RESOURCE"]}}`, `{"args":["sh"],"capabilities":{"effective":[]}}`},
		"a higher OOM score is no wish":   {`{"ociVersion":"1.0.2","process":{"oomScoreAdj":1000}}`, `{"ociVersion":"1.0.2","process":{"oomScoreAdj":1000}}`},
		"an unprivileged container stays": {`{ "ociVersion": "1.0.2", "process": {"capabilities": {"bounding": ["CAP_CHOWN"]}} }`, `{ "ociVersion": "1.0.2", "process": {"capabilities": {"bounding": ["CAP_CHOWN"]}} }`},
		"numbers of 64 bits stay": {
			`{"linux":{"seccomp":{"value":18446744073709551615}},"ociVersion":"1.0.2","process":{"oomScoreAdj":-1}}`,
			`{"linux":{"seccomp":{"value":18446744073709551615}},"ociVersion":"1.0.2","process":{}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := edit([]byte(tc.spec))
			if err != nil || string(got) != tc.want {
				t.Errorf("%s (%v), want %s", got, err, tc.want)
			}
		})
	}
	for name, spec := range map[string]string{"no JSON": "{", "no process": `{"ociVersion":"1.0.2"}`, "half an OOM score": `{"oomScoreAdj":-1.5}`} {
		if got, err := edit([]byte(spec)); err == nil {
			t.Errorf("%s became %s", name, got)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(`{"ociVersion":"1.0.2","process":{"capabilities":{"bounding":["CAP_SYS_RESOURCE"]},"oomScoreAdj":-1}}`))
	f.Add([]byte(`{"capabilities":[],"oomScoreAdj":"x"}`))
	f.Fuzz(func(t *testing.T, spec []byte) {
		once, err := edit(spec)
		if err != nil {
			return
		}
		if twice, err := edit(once); err != nil || string(twice) != string(once) {
			t.Errorf("%q became %q and then %q (%v)", spec, once, twice, err)
		}
	})
}

func TestSpecFile(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"create":                    {[]string{"--root", "/run/x", "create", "--bundle", "/b", "--pid-file", "/p", "id"}, "/b/config.json"},
		"run with =":                {[]string{"run", "--bundle=/b", "id"}, "/b/config.json"},
		"the short flag":            {[]string{"create", "-b", "/b", "id"}, "/b/config.json"},
		"create here":               {[]string{"create", "id"}, filepath.Join(here, "config.json")},
		"exec":                      {[]string{"--root", "/run/x", "exec", "--process", "/tmp/p", "id"}, "/tmp/p"},
		"exec without a file":       {[]string{"exec", "id", "sh"}, ""},
		"another command":           {[]string{"delete", "--force", "id"}, ""},
		"a container of that name":  {[]string{"kill", "exec", "9"}, ""},
		"nothing":                   {nil, ""},
		"deleting one of that name": {[]string{"--log-format=json", "--debug", "delete", "run"}, ""},
		"a flag without its value":  {[]string{"--root"}, ""},
		"a root that is called run": {[]string{"--root", "run", "state", "id"}, ""},
	} {
		if got, err := specFile(tc.args); err != nil || got != tc.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, tc.want)
		}
	}
}

// The file is another program's: it keeps its mode.
func TestRewrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(`{"oomScoreAdj":-5,"terminal":false}`), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || string(raw) != `{"terminal":false}` {
		t.Errorf("%s (%v)", raw, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v (%v)", info, err)
	}
}
