package main

import "testing"

func TestChosenBugs(t *testing.T) {
	chosen, err := chosenBugs([]string{"JWKSOfAnySize", "JWKSOfAny*", "AlgNoneAccepted"})
	if err != nil {
		t.Fatal(err)
	}
	// In the table's order, each once.
	if len(chosen) != 2 || chosen[0].Name != "AlgNoneAccepted" || chosen[1].Name != "JWKSOfAnySize" {
		t.Errorf("%+v", chosen)
	}
	if _, err := chosenBugs([]string{"AlgNoneAccepted", "NoSuch*"}); err == nil {
		t.Error("a pattern of nothing was taken")
	}
}
