package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
)

func TestMockRefusesAnUnknownBug(t *testing.T) {
	known := bugs.Names()[0]
	code, stdout, stderr := command(t, "mock", "--bug", known, "--bug", known+"s")
	if code != 2 || stdout != "" || !strings.Contains(stderr, "wlif: --bug "+known+"s: ") || !strings.Contains(stderr, "\nhint: bugs: "+known+", ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestBugsOfTheCommandLineActBesideThoseOfTheSettings(t *testing.T) {
	one, two := bugs.Names()[0], bugs.Names()[1]
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("bugs: {'*': ["+one+"]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := mockFlags{settings: file, bugs: []string{two}}
	set, err := f.readSettings()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.addBugs(&set); err != nil {
		t.Fatal(err)
	}
	if got, want := set.BugsIn("any"), bugs.SetOf([]string{one, two}); !slices.Equal(got, want) {
		t.Errorf("%v act, want %v", got, want)
	}
}

func TestMockListsItsBugs(t *testing.T) {
	code, stdout, _ := command(t, "mock", "bugs")
	for _, b := range bugs.All() {
		if !strings.Contains(stdout, b.Name+" ("+b.Area+")\n  "+b.Doc+"\n  must fail: "+b.MustKill[0]) {
			t.Errorf("%s is not listed", b.Name)
		}
	}
	if code != 0 {
		t.Errorf("code %d", code)
	}
}
