package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The points are the calls that change something and are the run's own.
func TestMutationsOfARun(t *testing.T) {
	lines := []string{
		`{"method":"yandex.cloud.iam.v1.IamTokenService/Create","verdict":"allowed","run":"ownrunid"}`,
		`{"method":"yandex.cloud.vpc.v1.NetworkService/Create","verdict":"allowed","run":"ownrunid"}`,
		`{"method":"yandex.cloud.vpc.v1.NetworkService/Create","verdict":"allowed","run":"otherrun"}`,
		`{"method":"yandex.cloud.vpc.v1.NetworkService/List","verdict":"allowed","run":"ownrunid"}`,
		`{"method":"yandex.cloud.lockbox.v1.SecretService/Delete","verdict":"refused","run":"ownrunid"}`,
		`{"method":"yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings","verdict":"allowed","run":"ownrunid"}`,
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := mutations(path, "ownrunid")
	want := []string{"yandex.cloud.vpc.v1.NetworkService/Create", "yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := mutations(path, "nobodyis"); err == nil {
		t.Error("a run without calls has points")
	}
}

// A session has all its processes, whatever groups they are of; nobody else is of it.
func TestSessionIsKilled(t *testing.T) {
	start := func(arguments ...string) *exec.Cmd {
		t.Helper()
		// The shell makes another process group for each job.
		command := exec.Command("bash", append([]string{"-m", "-c", `sleep 1000 & echo; exec -a "$0" sleep 1000`}, arguments...)...)
		command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, err := command.StdoutPipe()
		if err == nil {
			err = command.Start()
		}
		if err == nil {
			_, err = out.Read(make([]byte, 1)) // the job has been started
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = killSession(command.Process.Pid); _ = command.Wait() })
		return command
	}
	one, other := start("x"), start("x")
	members := sessionOf(one.Process.Pid)
	if len(members) != 2 || !slices.Contains(members, one.Process.Pid) {
		t.Fatalf("the session %d has %v", one.Process.Pid, members)
	}
	if err := killFirstProcess(one.Process.Pid); err == nil {
		t.Error("somebody was taken for the suite's first process")
	}
	if err := killSession(one.Process.Pid); err != nil {
		t.Error(err)
	}
	if left := sessionOf(one.Process.Pid); len(left) > 0 || len(sessionOf(other.Process.Pid)) != 2 {
		t.Errorf("left are %v, of another session %v", left, sessionOf(other.Process.Pid))
	}
}

func TestCrashRefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{{"--sample=-1"}, {"--jobs=0"}, {"--call=-1"}, {"more"}} {
		if code := execute(t.Context(), append([]string{"crash"}, args...), &strings.Builder{}, &strings.Builder{}); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
