package pause

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestTheSuiteWaitsUntilItIsLetGo(t *testing.T) {
	shown, letGo := make(chan Failure), make(chan struct{})
	desk, err := Open(func(f Failure) { shown <- f; <-letGo })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	failure := Failure{Spec: "spec", Requirement: "a/b", Location: "f.go:1", Message: "m"}
	for range 2 {
		gone := make(chan error, 1)
		go func() { gone <- Ask(t.Context(), desk.Socket(), failure) }()
		if got := <-shown; got != failure {
			t.Errorf("shown %+v", got)
		}
		select {
		case err := <-gone:
			t.Fatalf("it went on by itself: %v", err)
		default:
		}
		letGo <- struct{}{}
		if err := <-gone; err != nil {
			t.Error(err)
		}
	}
}

func TestAnInterruptEndsAPause(t *testing.T) {
	shown := make(chan struct{})
	desk, err := Open(func(Failure) { shown <- struct{}{}; <-t.Context().Done() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	stopped := errors.New("interrupted")
	ctx, stop := context.WithCancelCause(t.Context())
	go func() { <-shown; stop(stopped) }()
	if err := Ask(ctx, desk.Socket(), Failure{}); !errors.Is(err, stopped) {
		t.Errorf("%v", err)
	}
}

func TestNothingIsLeftOfADesk(t *testing.T) {
	desk, err := Open(func(Failure) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := desk.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(desk.Socket())); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
	if Ask(t.Context(), desk.Socket(), Failure{}) == nil {
		t.Error("nobody answered, and nobody says so")
	}
}
