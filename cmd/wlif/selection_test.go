package main

import "testing"

func TestFewNamesTheFirstOfALongList(t *testing.T) {
	for _, tc := range []struct {
		list []string
		want string
	}{
		{[]string{"a/*"}, "a/*"},
		{[]string{"a/1", "a/2", "a/3", "a/4"}, "a/1, a/2, a/3, a/4"},
		{[]string{"a/1", "a/2", "a/3", "a/4", "a/5"}, "a/1, a/2, a/3 and 2 more"},
	} {
		if got := few(tc.list); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.list, got, tc.want)
		}
	}
}
