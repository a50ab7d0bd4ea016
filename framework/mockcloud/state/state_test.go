package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func open(t *testing.T, file string) (*Store, *Table[*iam.ServiceAccount], *Records[string]) {
	t.Helper()
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	// Before the folder goes: the store's writer makes files beside its own.
	t.Cleanup(func() { _ = s.Close() })
	return s, NewTable[*iam.ServiceAccount](s, "iam.serviceAccount"), NewRecords[string](s, "test.records")
}

func TestRowsAreCopies(t *testing.T) {
	_, accounts, _ := open(t, "")
	row := &iam.ServiceAccount{Id: "a1", Name: "one"}
	if err := accounts.Insert(row, nil); err != nil {
		t.Fatal(err)
	}
	row.Name = "changed outside"
	got, _ := accounts.Get("a1")
	got.Name = "changed too"
	accounts.List(nil)[0].Name = "and here"
	if got, _ := accounts.Get("a1"); got.Name != "one" {
		t.Errorf("name %q: a copy leaked", got.Name)
	}
}

func TestInsertAndModifyCanBeRefused(t *testing.T) {
	_, accounts, _ := open(t, "")
	no := errors.New("no")
	if err := accounts.Insert(&iam.ServiceAccount{Id: "a1", Name: "one"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := accounts.Insert(&iam.ServiceAccount{Id: "a2"}, func(have *iam.ServiceAccount) error { return no }); !errors.Is(err, no) {
		t.Errorf("insert: %v", err)
	}
	_, there, err := accounts.Modify("a1", func(a *iam.ServiceAccount) error { a.Name = "half"; return no })
	if got, _ := accounts.Get("a1"); !there || !errors.Is(err, no) || got.Name != "one" {
		t.Errorf("modify: there %v, error %v, name %q", there, err, got.Name)
	}
	if _, there, _ := accounts.Modify("a9", nil); there {
		t.Error("a row that is not there was modified")
	}
	if len(accounts.List(nil)) != 1 {
		t.Errorf("%d rows", len(accounts.List(nil)))
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	s, accounts, records := open(t, file)
	for _, id := range []string{"a2", "a1", "a3"} {
		if err := accounts.Insert(&iam.ServiceAccount{Id: id, CreatedAt: timestamppb.Now()}, nil); err != nil {
			t.Fatal(err)
		}
	}
	accounts.Delete("a1")
	records.Put("k", "v")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, mode %v; the state holds secrets", err, info.Mode())
	}
	_, accounts, records = open(t, file)
	rows := accounts.List(nil)
	if len(rows) != 2 || rows[0].Id != "a2" || rows[1].Id != "a3" {
		t.Errorf("rows %v", rows)
	}
	if v, ok := records.Get("k"); !ok || v != "v" {
		t.Errorf("record %q, %v", v, ok)
	}
}

func TestADamagedFileIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, []byte(`{"iam`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("a torn file was read as empty")
	}
}

// A row that this version cannot read is told, and the file is not written over.
func TestADamagedRowIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	const text = `{"iam.serviceAccount":{"order":["a1"],"rows":{"a1":{"noSuchField":1}}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, records := open(t, file)
	if err := s.Damaged(); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "a1") {
		t.Errorf("error %v", err)
	}
	records.Put("k", "v")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != text {
		t.Errorf("the file is %s (%v)", raw, err)
	}
}

// A mock that is killed while it starts has not lost what it had not looked at yet.
func TestTablesThatAreNotMadeYetAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	s, _, records := open(t, file)
	records.Put("k", "v")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, records = open(t, file)
	if v, _ := records.Get("k"); v != "v" {
		t.Errorf("the record is %q", v)
	}
}

// A call that is still under way when the mock ends must not bring it down.
func TestChangesAfterClose(t *testing.T) {
	s, accounts, records := open(t, filepath.Join(t.TempDir(), "state.json"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	records.Put("k", "late")
	if err := accounts.Insert(&iam.ServiceAccount{Id: "a1"}, nil); err != nil {
		t.Error(err)
	}
}

func TestInventoryKnowsParents(t *testing.T) {
	s, accounts, _ := open(t, "")
	credentials := NewTable[*workload.FederatedCredential](s, "iam.federatedCredential")
	if err := accounts.Insert(&iam.ServiceAccount{Id: "a1", FolderId: "f1", Name: "one", Labels: map[string]string{"wlif-run": "r"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := credentials.Insert(&workload.FederatedCredential{Id: "c1", ServiceAccountId: "a1"}, nil); err != nil {
		t.Fatal(err)
	}
	account, _ := s.Find(Ref{"iam.serviceAccount", "a1"})
	credential, _ := s.Find(Ref{"iam.federatedCredential", "c1"})
	if account.Parent != (Ref{"resource-manager.folder", "f1"}) || account.Labels["wlif-run"] != "r" || account.Name != "one" {
		t.Errorf("account %+v", account)
	}
	if credential.Parent != (Ref{"iam.serviceAccount", "a1"}) {
		t.Errorf("credential %+v", credential)
	}
	if _, ok := s.Find(Ref{"iam.serviceAccount", "a9"}); ok {
		t.Error("found what is not there")
	}
	if n := len(s.Inventory()); n != 2 {
		t.Errorf("%d in the inventory", n)
	}
}
