package exchange

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
)

func TestUnknownAccountHasTheFormOfAKnownOne(t *testing.T) {
	const known = "aje0123456789abcdefg"
	form := regexp.MustCompile(`^aje[0-9a-v]{17}$`)
	seen := map[string]bool{known: true}
	for range 100 {
		id := unknownAccount(known)
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("%s has another form, or was there before", id)
		}
		seen[id] = true
	}
}

func TestDirectivesOfEveryHeader(t *testing.T) {
	header := http.Header{"Cache-Control": {"private, No-Store", "max-age=0"}}
	if got, want := directives(header), []string{"private", "no-store", "max-age=0"}; !slices.Equal(got, want) {
		t.Errorf("directives %q, want %q", got, want)
	}
}

func TestSubjectsAreTakenApart(t *testing.T) {
	const subject = "system:serviceaccount:team:wlif"
	namespace, name := namespaced(subject)
	if namespace != "system:serviceaccount:team" || name != "wlif" {
		t.Errorf("%q is %q and %q", subject, namespace, name)
	}
}
