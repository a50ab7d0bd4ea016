package nodeimage

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// recordingDocker is a docker in PATH with two build containers and two images that
// were replaced, of which a container uses one. It notes what it is told to remove.
func recordingDocker(t *testing.T) (removed func() []string) {
	t.Helper()
	dir := t.TempDir()
	record := filepath.Join(dir, "removed")
	script := `#!/bin/sh
case "$*" in
"ps --all --filter name="*) echo wlif-build-1.36.3; echo wlif-build-1.35.4 ;;
"ps "*ancestor=used) echo a-cluster ;;
"ps "*ancestor=*) ;;
images*) echo used; echo unused ;;
rm*|"image rm"*) echo "$*" >>` + record + ` ;;
*) exit 1 ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return func() []string {
		raw, err := os.ReadFile(record)
		if err != nil {
			return nil
		}
		return strings.Split(strings.TrimSpace(string(raw)), "\n")
	}
}

func TestLeftoversAreWhatNobodyIsAtWorkOn(t *testing.T) {
	removed := recordingDocker(t)
	file, err := lockFile(Reference("1.36.3"))
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := buildcache.Lock(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	found, err := FindLeftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(found.Containers, []string{"wlif-build-1.35.4"}) || !slices.Equal(found.Images, []string{"unused"}) {
		t.Errorf("found %+v", found)
	}
	if got := removed(); got != nil {
		t.Errorf("looking removed %q", got)
	}
	// Of the version that is being built by now, nothing is removed.
	found.Containers = append(found.Containers, "wlif-build-1.36.3")
	if err := found.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := removed(); !slices.Equal(got, []string{"rm --force --volumes wlif-build-1.35.4", "image rm unused"}) {
		t.Errorf("removed %q", got)
	}
}

func TestLeftoversWithoutDocker(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	found, err := FindLeftovers(t.Context())
	if err != nil || len(found.Containers)+len(found.Images) > 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
