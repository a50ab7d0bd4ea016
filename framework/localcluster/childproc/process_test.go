package childproc

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, script string) *Process {
	t.Helper()
	dir := t.TempDir()
	p, err := Start(Spec{Name: "script", Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"GIVEN=this"}, Dir: dir, Log: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(t.Context(), time.Second); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestAProcessThatEndsByItselfIsAFailure(t *testing.T) {
	p := start(t, "for i in $(seq 30); do echo line $i; done; echo last words >&2; exit 3")
	<-p.Done()
	var ended *EndedError
	if !errors.As(p.Failure(), &ended) {
		t.Fatalf("%v, want an *EndedError", p.Failure())
	}
	if ended.State != "exit status 3" || !strings.HasSuffix(ended.Tail, "last words") || strings.Contains(ended.Tail, "line 9\n") {
		t.Errorf("%+v", ended)
	}
}

func TestStop(t *testing.T) {
	for name, script := range map[string]string{
		"that ends on SIGTERM":  "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done",
		"that ignores SIGTERM":  "trap '' TERM; while :; do sleep 0.01; done",
		"that has ended before": "exit 1",
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, script)
			for range 2 {
				if err := p.Stop(t.Context(), 100*time.Millisecond); err != nil {
					t.Error(err)
				}
			}
			<-p.Done()
			if err := p.Failure(); err != nil {
				t.Errorf("a stopped process counts as failed: %v", err)
			}
		})
	}
}

func TestTheEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("CANARY", "secret")
	p := start(t, "env")
	<-p.Done()
	if out := p.Output(); strings.Contains(out, "CANARY") || !strings.Contains(out, "PATH=") || !strings.Contains(out, "GIVEN=this") {
		t.Errorf("the environment is\n%s", out)
	}
}
