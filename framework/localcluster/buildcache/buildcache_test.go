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
	f, err := modfile.Parse("go.mod", []byte("module example.com/upstream\n\nrequire (\n\ta.example v1.2.0\n\tb.example v1.2.0 // indirect\n\tc.example v1.2.0\n\te.example v1.2.0\n)\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	project, err := versions([]byte("module example.com/project\n\nrequire (\n\ta.example v1.10.0\n\tb.example v1.1.9\n\td.example v1.0.0\n\te.example v1.9.0\n)\n\nreplace e.example => e.example v1.3.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := raise(f, project); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range f.Require {
		got = append(got, r.Mod.String())
	}
	if want := []string{"a.example@v1.10.0", "b.example@v1.2.0", "c.example@v1.2.0", "e.example@v1.3.0"}; !slices.Equal(got, want) {
		t.Errorf("it requires %v, not %v", got, want)
	}
}

// Later or earlier, and only what is named.
func TestSame(t *testing.T) {
	f, err := modfile.Parse("go.mod", []byte("module example.com/upstream\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := Module{Same: []string{"golang.org/x/", "k8s.io/*", "exact.example"}}
	if err := m.same(f, map[string]string{"golang.org/x/net": "v0.1.0", "golang.org/xyz": "v0.2.0", "k8s.io/api": "v0.36.3", "k8s.io/api/more": "v0.1.0", "exact.example": "v1.0.0", "exact.example/more": "v1.0.0"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range f.Replace {
		got = append(got, r.Old.String()+" "+r.New.String())
	}
	slices.Sort(got)
	if want := []string{"exact.example exact.example@v1.0.0", "golang.org/x/net golang.org/x/net@v0.1.0", "k8s.io/api k8s.io/api@v0.36.3"}; !slices.Equal(got, want) {
		t.Errorf("it replaces %q, not %q", got, want)
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
