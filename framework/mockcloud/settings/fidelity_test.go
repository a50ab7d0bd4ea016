package settings

import (
	"os"
	"path"
	"slices"
	"testing"
)

// TestFidelityPage: the committed page says what the mock does.
func TestFidelityPage(t *testing.T) {
	want, err := os.ReadFile("../FIDELITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if FidelityPage(Default()) != string(want) {
		t.Error("FIDELITY.md is stale: bin/wlif mock fidelity > framework/mockcloud/FIDELITY.md")
	}
}

// Every source is that of something, and every guess has a grade.
func TestEveryGuessHasItsEvidence(t *testing.T) {
	listed := Fidelity(Default())
	for name := range Default().Guesses {
		if !slices.ContainsFunc(listed, func(b Behaviour) bool { return b.Name == name && b.Grade != "" && b.Source != "" && b.Is != "" }) {
			t.Errorf("%s has no row, or one with a gap", name)
		}
	}
	for _, e := range known {
		if !slices.ContainsFunc(listed, func(b Behaviour) bool { ok, err := path.Match(e.pattern, b.Name); return ok && err == nil }) {
			t.Errorf("%s is the name of nothing", e.pattern)
		}
	}
}
