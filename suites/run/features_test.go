package run

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
)

func TestFeaturesAreDetected(t *testing.T) {
	audited := runfolder.Folder(t.TempDir())
	if err := os.WriteFile(audited.AuditLog(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bare := &Run{Config: &config.Config{Endpoint: "api.cloud.yandex.net:443"}, Folder: runfolder.Folder(t.TempDir()), Info: runfolder.Run{Lacking: []conformance.Feature{conformance.Kubelet, conformance.MetadataTokens}}}
	rich := &Run{Folder: audited, Target: provision.Target{Cluster: provision.Cluster{ID: "cat1", NodeGroupID: "cat2"}}, Config: &config.Config{
		Endpoint: "127.0.0.1:8443", OtherFolderID: "b1h", SecondCluster: true, ExpiredToken: config.NewSecret("t1.old"), StorageEndpoint: "https://s", WebHost: config.WebHost{Address: "127.0.0.1"},
	}}
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "tofu"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, info := range conformance.Features() {
		t.Setenv("PATH", programs)
		if _, lacks := rich.Lacks([]conformance.Feature{info.Name}); lacks {
			t.Errorf("%s is not seen", info.Name)
		}
		t.Setenv("PATH", "")
		missing, lacks := bare.Lacks([]conformance.Feature{info.Name})
		if want := !slices.Contains([]conformance.Feature{conformance.ContainerImages, conformance.ClusterRestart, conformance.KMS}, info.Name); lacks != want {
			t.Errorf("%s lacks: %v", info.Name, lacks)
		}
		if lacks && missing.Reason == "" {
			t.Errorf("%s lacks without a reason", info.Name)
		}
	}
}

func TestSlowChecksAreAskedFor(t *testing.T) {
	for _, tc := range []struct{ slow, asked, want bool }{{false, false, true}, {true, false, false}, {true, true, true}} {
		r := &Run{Config: &config.Config{Slow: tc.asked}}
		if got := r.Unasked(conformance.Requirement{Slow: tc.slow}) == ""; got != tc.want {
			t.Errorf("%+v: it runs: %t", tc, got)
		}
	}
}

func TestTheOtherClusterIsGivenOrMade(t *testing.T) {
	for name, tc := range map[string]struct {
		config config.Config
		lacks  bool
	}{
		"none":         {config.Config{}, true},
		"one is given": {config.Config{OtherClusterID: "cat2"}, false},
		"one is made":  {config.Config{SecondCluster: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, lacks := (&Run{Config: &tc.config}).Lacks([]conformance.Feature{conformance.OtherCluster}); lacks != tc.lacks {
				t.Errorf("lacks: %t", lacks)
			}
		})
	}
}
