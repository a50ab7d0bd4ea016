package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
)

func TestOnlyRunsOnKindHaveContainers(t *testing.T) {
	for cluster, want := range map[string]string{config.ClusterKind: "wlif-abcdefgh", config.ClusterEmbedded: "", config.ClusterExisting: ""} {
		if got := containersOf(&config.Config{Cluster: cluster}, "abcdefgh"); got != want {
			t.Errorf("%s: %q, want %q", cluster, got, want)
		}
	}
}

// A sweep must not touch what a living mock uses, nor what is not a mock's.
func TestContainersInUse(t *testing.T) {
	// A living process with the words of a mock.
	command := exec.CommandContext(t.Context(), "sh", "-c", "echo up; read end", "mock", "--cluster-prefix", "wlif-k2livesx")
	end, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	up, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := up.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(command.Process.Pid)
	for prefix, used := range map[string]bool{
		"wlif-k2livesx":                      true,
		"wlif-k2deadxx":                      false,
		"wlif-p" + pid:                       true,
		"wlif-p" + strconv.Itoa(1<<30):       false,
		"wlif-p" + strconv.Itoa(os.Getpid()): false, // alive, and no mock
		"wlif-enginetest":                    true,  // no name of a mock's
	} {
		if got := (lostContainers{kind.Remain{Prefix: prefix}}).used(); got != used {
			t.Errorf("%s is used: %v, want %v", prefix, got, used)
		}
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // its script ends with an error, as nothing was read
	if (lostContainers{kind.Remain{Prefix: "wlif-k2livesx"}}).used() {
		t.Error("the mock has ended, and its containers are still in use")
	}
}

func TestEngines(t *testing.T) {
	for _, tc := range []struct {
		flags mockFlags
		name  string
		says  string
	}{
		{mockFlags{engine: "embedded", state: "s"}, "embedded", ""},
		{mockFlags{engine: "kind", prefix: "wlif-x"}, "kind", ""},
		{mockFlags{engine: "kind", state: "s"}, "", "--state contradicts --engine kind"},
		{mockFlags{engine: "none", state: "s"}, "", ""},
		{mockFlags{engine: "minikube"}, "", "embedded, kind and none"},
	} {
		engine, err := tc.flags.newEngine()
		if tc.says != "" {
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%+v: %v, want %q", tc.flags, err, tc.says)
			}
			continue
		}
		if err != nil || (engine == nil) != (tc.name == "") || engine != nil && engine.Name() != tc.name {
			t.Errorf("%+v: %v (%v), want %s", tc.flags, engine, err, tc.name)
		}
	}
}

func TestSweepOfBuilds(t *testing.T) {
	dir := t.TempDir()
	record := filepath.Join(dir, "removed")
	script := `#!/bin/sh
case "$*" in
"ps --all --filter name="*) echo wlif-build-1.36.3 ;;
"ps "*) ;;
images*) echo 0123 ;;
rm*|"image rm"*) echo "$*" >>` + record + ` ;;
*) exit 1 ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, tc := range []struct {
		flags         sweepFlags
		says, removed string
	}{
		{sweepFlags{dryRun: true}, "would remove the container wlif-build-1.36.3", ""},
		{sweepFlags{}, "removed the container wlif-build-1.36.3", "rm --force --volumes wlif-build-1.36.3\nimage rm 0123\n"},
	} {
		var out strings.Builder
		found, err := sweepBuilds(t.Context(), tc.flags, &out)
		raw, _ := os.ReadFile(record) // absent if nothing was removed
		if !found || err != nil || !strings.Contains(out.String(), tc.says) || string(raw) != tc.removed {
			t.Errorf("%+v: found %t, said %q, removed %q: %v", tc.flags, found, out.String(), raw, err)
		}
	}
}
