package provision

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func startLedger(t *testing.T) (*Ledger, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := CreateLedger(dir, Header{RunID: "abcdefgh", FolderID: "b1g", Endpoint: "127.0.0.1:1", PID: os.Getpid(), Local: map[string]string{"admin": "http://x"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, dir
}

func intend(t *testing.T, l *Ledger, name string) Mark {
	t.Helper()
	mark, err := l.Intend(Record{Step: name, Kind: KindNetwork, Name: name, FolderID: "b1g", Labels: map[string]string{"a": "b"}, IdempotencyKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

// reopen closes l and reads the file again, as after a crash.
func reopen(t *testing.T, l *Ledger, dir string) *Ledger {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	back, err := OpenLedger(dir, "abcdefgh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = back.Close() })
	return back
}

func names(records []Record) []string {
	var out []string
	for _, r := range records {
		s := r.Name + "=" + r.ID
		if r.Pending {
			s += "?"
		}
		out = append(out, s)
	}
	return out
}

// TestLedgerIsWatched: what came to be and what is gone is told once, also what another
// process made, and nothing of what never was.
func TestLedgerIsWatched(t *testing.T) {
	l, dir := startLedger(t)
	var told []string
	watch := func(l *Ledger) {
		l.Watch(func(r Record) { told = append(told, "made "+r.Name+" "+r.ID) }, func(r Record) { told = append(told, "gone "+r.Name+" "+r.ID) })
	}
	watch(l)
	one, refused, lost := intend(t, l, "one"), intend(t, l, "refused"), intend(t, l, "lost")
	if err := errors.Join(l.Created(one, "id-1", "op"), l.Done(one), l.Refused(refused), l.Deleted(lost)); err != nil {
		t.Fatal(err)
	}
	back := reopen(t, l, dir)
	watch(back)
	if err := errors.Join(back.Deleted(one), back.Deleted(one)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"made one id-1", "gone one id-1"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestLedgerRemembers(t *testing.T) {
	l, dir := startLedger(t)
	a, b, c, d, e := intend(t, l, "a"), intend(t, l, "b"), intend(t, l, "c"), intend(t, l, "d"), intend(t, l, "e")
	for _, err := range []error{l.Created(a, "ida", "op"), l.Done(a), l.Created(b, "idb", "opb"), l.Refused(c), l.Created(d, "idd", "op"), l.Done(d), l.Deleted(d)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = e // intended only: nobody knows whether it was created
	want := []string{"a=ida", "b=idb?", "e=?"}
	if got := names(l.Live()); !slices.Equal(got, want) {
		t.Errorf("live %v, want %v", got, want)
	}
	back := reopen(t, l, dir)
	if got := names(back.Live()); !slices.Equal(got, want) {
		t.Errorf("read back %v, want %v", got, want)
	}
	if h := back.Header(); h.FolderID != "b1g" || h.Local["admin"] != "http://x" || back.Live()[1].Operation != "opb" || back.Live()[0].Labels["a"] != "b" {
		t.Errorf("header %+v, records %+v", h, back.Live())
	}
	if mark := intend(t, back, "f"); mark.seq != 6 {
		t.Errorf("numbering goes on with %d", mark.seq)
	}
	if info, err := os.Stat(l.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestTornLastLineIsCutOff(t *testing.T) {
	l, dir := startLedger(t)
	intend(t, l, "a")
	if _, err := l.file.WriteString(`{"type":"intent","seq":2,"record":{"kind":"vp`); err != nil {
		t.Fatal(err)
	}
	back := reopen(t, l, dir)
	intend(t, back, "b")
	again := reopen(t, back, dir)
	if got := names(again.Live()); !slices.Equal(got, []string{"a=?", "b=?"}) {
		t.Errorf("live %v", got)
	}
}

func TestEditedLedgerIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        "{\"type\":\"run\",\"header\":{\"run_id\":\"abcdefgh\"}}\nnonsense\n",
		"no header":      "{\"type\":\"intent\",\"seq\":1}\n",
		"empty":          "",
		"second header":  "{\"type\":\"run\",\"header\":{\"run_id\":\"abcdefgh\"}}\n{\"type\":\"run\",\"header\":{\"run_id\":\"abcdefgh\"}}\n",
		"torn first one": "{\"type\":\"run\"",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := LedgerPath(dir, "abcdefgh")
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			if l, err := OpenLedger(dir, "abcdefgh"); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("ledger %v, error %v: it should name %s", l, err, path)
			}
			infos, err := Ledgers(dir)
			if err != nil || len(infos) != 1 || infos[0].Err == nil || infos[0].Header.RunID != "abcdefgh" {
				t.Errorf("infos %+v, error %v", infos, err)
			}
		})
	}
}

func TestOneWriter(t *testing.T) {
	l, dir := startLedger(t)
	if _, err := OpenLedger(dir, "abcdefgh"); !errors.Is(err, ErrRunAlive) {
		t.Errorf("a second writer gets %v", err)
	}
	if _, err := CreateLedger(dir, Header{RunID: "abcdefgh"}); err == nil {
		t.Error("the same run was started twice")
	}
	infos, err := Ledgers(dir)
	if err != nil || len(infos) != 1 || !infos[0].Alive || infos[0].Header.PID != os.Getpid() {
		t.Errorf("infos %+v, error %v", infos, err)
	}
	reopen(t, l, dir)
}

// The processes of a run write one file, and whoever tears down knows them all.
func TestProcessesWriteTogether(t *testing.T) {
	l, dir := startLedger(t)
	if _, err := JoinLedger(dir, "abcdefgh", "suite-1"); !errors.Is(err, ErrRunAlive) {
		t.Errorf("joined a ledger that somebody holds alone: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	join := func(by string) *Ledger {
		j, err := JoinLedger(dir, "abcdefgh", by)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() })
		return j
	}
	one, two := join("suite-1"), join("suite-2")
	a, b, c := intend(t, one, "a"), intend(t, two, "b"), intend(t, one, "c")
	if err := errors.Join(one.Created(a, "ida", ""), one.Done(a), two.Created(b, "idb", ""), two.Deleted(b), one.Refused(c)); err != nil {
		t.Fatal(err)
	}
	intend(t, two, "d")
	if err := one.TakeOver(); !errors.Is(err, ErrRunAlive) {
		t.Errorf("taken over from a process that writes: %v", err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if err := one.TakeOver(); err != nil {
		t.Fatal(err)
	}
	if got := names(one.Live()); !slices.Equal(got, []string{"a=ida", "d=?"}) {
		t.Errorf("live %v", got)
	}
	if err := one.Deleted(one.Live()[1].mark); err != nil {
		t.Fatal(err)
	}
	if got := names(reopen(t, one, dir).Live()); !slices.Equal(got, []string{"a=ida"}) {
		t.Errorf("live %v", got)
	}
}

// A line without its end may be another process's, on its way.
func TestWhoJoinsCutsNothing(t *testing.T) {
	l, dir := startLedger(t)
	const begun = `{"type":"intent","seq":1,"rec`
	if _, err := l.file.WriteString(begun); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := JoinLedger(dir, "abcdefgh", "suite-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	if text, err := os.ReadFile(j.Path()); err != nil || !strings.HasSuffix(string(text), begun) {
		t.Errorf("the file ends differently: %q, %v", text, err)
	}
}

func TestFinishRemovesTheFolder(t *testing.T) {
	l, dir := startLedger(t)
	if err := l.Finish(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, error %v", left, err)
	}
	if infos, err := Ledgers(filepath.Join(dir, "missing")); err != nil || infos != nil {
		t.Errorf("a missing folder gives %v, %v", infos, err)
	}
}

func TestCreateLedgerRefusesBadRunIDs(t *testing.T) {
	if _, err := CreateLedger(t.TempDir(), Header{RunID: "../../etc"}); err == nil {
		t.Error("a path passes as a run id")
	}
}

func TestStateDir(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	if dir, err := StateDir(); err != nil || dir != "/state/wlif/runs" {
		t.Errorf("%s, %v", dir, err)
	}
	// The specification wants a relative value ignored.
	t.Setenv("XDG_STATE_HOME", "state")
	t.Setenv("HOME", "/home/u")
	if dir, err := StateDir(); err != nil || dir != "/home/u/.local/state/wlif/runs" {
		t.Errorf("%s, %v", dir, err)
	}
}

func FuzzLedger(f *testing.F) {
	f.Add("{\"type\":\"run\",\"header\":{\"run_id\":\"abcdefgh\"}}\n{\"type\":\"intent\",\"seq\":1,\"record\":{\"kind\":\"vpc.network\"}}\n{\"type\":\"created\",\"seq\":1,\"id\":\"x\"}\n{\"type\":\"deleted\",\"seq\":1}\n")
	f.Add("{\"type\":\"run\",\"header\":{\"run_id\":\"a\"}}\n{\"type\":\"intent\",\"seq\":99999999999,\"record\":{}}\n")
	f.Add("\n\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		l := newLedger("fuzz", nil)
		if err := l.parse([]byte(text)); err != nil {
			return
		}
		began := time.Now()
		if n := len(l.Live()); n > strings.Count(text, "\n")+1 {
			t.Errorf("%d records from %q", n, text)
		}
		if l.header.RunID == "" || time.Since(began) > time.Second {
			t.Errorf("accepted %q as %+v in %s", text, l.header, time.Since(began))
		}
	})
}
