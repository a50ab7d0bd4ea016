package main

import (
	"slices"
	"testing"
)

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

// TestKillQueue: runs that compute are few at a time, the others fill every place, and
// none is forgotten.
func TestKillQueue(t *testing.T) {
	q := &killQueue{heavy: []int{0, 1, 2}, light: []int{3, 4}, few: 1}
	var order []int
	first, done := q.next()
	order = append(order, first)
	for range 2 {
		i, end := q.next()
		order = append(order, i)
		end()
	}
	if _, end := q.next(); end != nil {
		t.Error("a second heavy one was begun beside the first")
	}
	for done != nil {
		done()
		var i int
		if i, done = q.next(); done != nil {
			order = append(order, i)
		}
	}
	if !slices.Equal(order, []int{0, 3, 4, 1, 2}) {
		t.Errorf("the order is %v", order)
	}
}
