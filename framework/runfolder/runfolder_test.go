package runfolder

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

func TestWhatIsSavedComesBack(t *testing.T) {
	out := filepath.Join(t.TempDir(), "reports", "runs")
	started := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("east", 3600))
	f, err := Create(out, "abcdefgh", started)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(string(f)) != "20261121T110000Z-abcdefgh" {
		t.Errorf("folder %s", f)
	}
	if info, err := os.Stat(string(f)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := f.LoadTarget(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a target before it is saved: %v", err)
	}
	run := Run{RunID: "abcdefgh", StateDir: "/state", Lacking: []conformance.Feature{conformance.Kubelet}}
	target := provision.Target{RunID: "abcdefgh", Cluster: provision.Cluster{ID: "cat1"}}
	if err := errors.Join(f.SaveRun(run), f.SaveTarget(target)); err != nil {
		t.Fatal(err)
	}
	if got, err := f.LoadRun(); err != nil || !reflect.DeepEqual(got, run) {
		t.Errorf("run %+v, %v", got, err)
	}
	if got, err := f.LoadTarget(); err != nil || !reflect.DeepEqual(got, target) {
		t.Errorf("target %+v, %v", got, err)
	}
	if info, err := os.Stat(f.Path("target.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, "abcdefgh", time.Now()); err == nil {
		t.Error("a folder was made inside a file")
	}
}
