package buildcache

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
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

func TestRaise(t *testing.T) {
	for _, tc := range []struct{ prefixes, want []string }{
		{[]string{""}, []string{"a.example/x@v1.10.0", "b.example@v1.2.0", "c.example@v1.2.0", "d.example@v1.0.0"}},
		{[]string{"a.example/", "b.example"}, []string{"a.example/x@v1.10.0", "b.example@v1.2.0", "c.example@v1.2.0"}},
		{[]string{"c.example"}, []string{"a.example/x@v1.2.0", "b.example@v1.2.0", "c.example@v1.2.0"}},
		{nil, []string{"a.example/x@v1.2.0", "b.example@v1.2.0", "c.example@v1.2.0"}},
	} {
		f, err := modfile.Parse("go.mod", []byte("module example.com/upstream\n\nrequire (\n\ta.example/x v1.2.0\n\tb.example v1.2.0 // indirect\n\tc.example v1.2.0\n)\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		project, err := versions([]byte("module example.com/project\n\nrequire (\n\ta.example/x v1.10.0\n\tb.example v1.1.9\n\td.example v1.0.0\n)\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := (Module{Raise: tc.prefixes}).raise(f, project); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range f.Require {
			got = append(got, r.Mod.String())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: it requires %v, not %v", tc.prefixes, got, tc.want)
		}
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

// TestSharedFlags: what the Makefile builds is what is found compiled.
func TestSharedFlags(t *testing.T) {
	made, err := exec.CommandContext(t.Context(), "make", "--silent", "--no-print-directory", "-C", "../../..", "goflags").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(made), shared()+" ") {
		t.Errorf("the Makefile's flags are\n%s\nwithout\n%s", made, shared())
	}
}
