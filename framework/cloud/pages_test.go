package cloud

import (
	"errors"
	"slices"
	"testing"
)

func TestAllReadsEveryPage(t *testing.T) {
	pages := map[string]struct {
		items []int
		next  string
	}{"": {[]int{1, 2}, "a"}, "a": {nil, "b"}, "b": {[]int{3}, ""}, "stuck": {[]int{4}, "stuck"}}
	read := func(first string) ([]int, error) {
		return All(func(token string) ([]int, string, error) {
			if token == "" {
				token = first
			}
			p, ok := pages[token]
			if !ok {
				return nil, "", errors.New("no such page")
			}
			return p.items, p.next, nil
		})
	}
	if got, err := read(""); err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := read("stuck"); err != nil || len(got) != 2 {
		t.Errorf("of a server that repeats itself: %v, %v", got, err)
	}
	if got, err := read("none"); err == nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
