package bugs

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	nameForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`)
	idForm   = regexp.MustCompile(`^[a-z]+/[a-z0-9-]+$`)
)

// TestTables: what a bug declares is complete, and does not contradict itself.
func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range All() {
		t.Run(b.Name, func(t *testing.T) {
			if seen[b.Name] || !nameForm.MatchString(b.Name) {
				t.Errorf("the name is there twice, or is none")
			}
			seen[b.Name] = true
			if b.Area == "" || !strings.HasSuffix(b.Doc, ".") || strings.Contains(b.Doc, "\n") {
				t.Errorf("area %q, doc %q: want a sentence on one line", b.Area, b.Doc)
			}
			if len(b.MustKill) == 0 {
				t.Error("no check must notice it")
			}
			for i, id := range b.MustKill {
				if !idForm.MatchString(id) || slices.Contains(b.MustKill[:i], id) {
					t.Errorf("mustKill %q is no id, or is there twice", id)
				}
			}
			for _, m := range b.MayKill {
				if _, err := path.Match(m.ID, ""); err != nil || m.Why == "" {
					t.Errorf("mayKill %q has no reason, or is no pattern", m.ID)
				}
				if slices.Contains(b.MustKill, m.ID) {
					t.Errorf("%s both must and may notice", m.ID)
				}
			}
		})
	}
}

func TestLookup(t *testing.T) {
	want := All()[0]
	if got, err := Lookup(want.Name); err != nil || got.Name != want.Name {
		t.Errorf("%s: %+v, %v", want.Name, got, err)
	}
	for _, wrong := range []string{strings.ToLower(want.Name), want.Name + "s", want.Name[1:]} {
		if _, err := Lookup(wrong); err == nil || !strings.Contains(err.Error(), "nearest is "+want.Name) {
			t.Errorf("%s: %v, want an error that names %s", wrong, err, want.Name)
		}
	}
}

func TestSet(t *testing.T) {
	s := SetOf([]string{"C", "A"}, nil, []string{"A", "B"})
	if !slices.Equal(s, Set{"A", "B", "C"}) || !s.Has("B") || s.Has("D") {
		t.Errorf("the set is %v", s)
	}
	var policy []string
	Apply(s, map[string]func(*[]string){"B": func(p *[]string) { *p = append(*p, "B") }, "D": func(p *[]string) { *p = append(*p, "D") }}, &policy)
	if !slices.Equal(policy, []string{"B"}) {
		t.Errorf("the policy was changed by %v, want B alone", policy)
	}
}
