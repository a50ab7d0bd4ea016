package buildcache

import (
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

func TestGoMod(t *testing.T) {
	const upstream = `module example.com/upstream

go 1.26.0

godebug default=go1.26

require example.com/dependency v0.6.8 // indirect

replace example.com/fork => example.com/other v1.0.0
`
	m := Module{Path: "example.com/upstream", Version: "v1.2.3"}
	got, err := m.goMod([]byte(upstream))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"module nested.local/build", "example.com/upstream v1.2.3", "example.com/dependency v0.6.8",
		"example.com/fork => example.com/other v1.0.0", "godebug default=go1.26", "go 1.26.0"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if _, err := m.goMod([]byte("module a\nmodule b\n")); err == nil {
		t.Error("a go.mod that is none was taken")
	}
}

func TestCompilersLeaveHalfOfTheMemory(t *testing.T) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	half := info.Totalram * uint64(info.Unit) / 2 >> 20
	for _, variable := range compilerMemory() {
		limit, ok := strings.CutPrefix(variable, "GOMEMLIMIT=")
		if !ok {
			continue
		}
		each, err := strconv.ParseUint(strings.TrimSuffix(limit, "MiB"), 10, 64)
		if err != nil || each == 0 || each*uint64(runtime.NumCPU()) > half {
			t.Errorf("each of %d compilers may take %s, and half of the memory is %d MiB: %v", runtime.NumCPU(), limit, half, err)
		}
		return
	}
	t.Error("nothing bounds the memory of compilers")
}
