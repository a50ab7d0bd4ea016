package mockcloud

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
)

// TestTheReadmeNamesTheRoles: the README's table is what the mock's account has, and
// that every one of these is needed is tested (here and in the provisioner's tests).
func TestTheReadmeNamesTheRoles(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `.*$").FindAll(readme, -1) {
		for _, m := range regexp.MustCompile("`([a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)+)`").FindAllSubmatch(row, -1) {
			named = append(named, string(m[1]))
		}
	}
	slices.Sort(named)
	named = slices.Compact(named) // some are needed on a second folder, too
	all := slices.Concat(OwnerRoles, AreaRoles)
	want := slices.Sorted(slices.Values(all))
	if !slices.Equal(named, want) {
		t.Errorf("the README names %v\nthe account has %v", named, want)
	}
	for _, role := range all {
		if !access.Known(role) {
			t.Errorf("there is no role %s", role)
		}
	}
}

// A folder that is added later is as good to the owner as the first.
func TestAddedFolder(t *testing.T) {
	c := start(t)
	id, err := c.AddFolder("more")
	if err != nil {
		t.Fatal(err)
	}
	op, err := lockbox.NewSecretServiceClient(c.as(t, c.World().Owner)).Create(t.Context(), &lockbox.CreateSecretRequest{FolderId: id, Name: "one"})
	if made := must[*lockbox.Secret](t, op, err); made.FolderId != id {
		t.Errorf("made in %s", made.FolderId)
	}
}
