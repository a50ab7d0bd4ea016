package buildcache

import (
	"context"
	"path/filepath"
	"testing"
)

func TestOneOfTwoRunsWaits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), file, func() { t.Error("the first waits") })
	if err != nil {
		t.Fatal(err)
	}
	waiting, second := make(chan struct{}), make(chan error)
	go func() {
		release, err := Lock(t.Context(), file, func() { close(waiting) })
		if err == nil {
			release()
		}
		second <- err
	}()
	<-waiting
	unlock()
	if err := <-second; err != nil {
		t.Error(err)
	}
	unlock, err = Lock(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Lock(ctx, file, cancel); err == nil {
		t.Error("a cancelled wait got the lock")
	}
}
