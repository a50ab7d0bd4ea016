package provision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// A namespace of a check's own has the tutorial's account, is in the ledger under
// its cluster, and goes when asked to.
func TestNamespaceFixture(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	var made []string
	o := provision.Options{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial}
	f := provision.NewFixtures(o, func(id string) { made = append(made, id) })
	in := provision.Cluster{Kubeconfig: "/a/kubeconfig"}
	name, err := f.Namespace(t.Context(), "check", in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(name, l.Header().RunID+"-check-") || len(w.kube.accounts) != 1 || w.kube.accounts[0] != name+"/"+provision.KSAName {
		t.Errorf("namespace %s with accounts %v", name, w.kube.accounts)
	}
	live := l.Live()
	if len(live) != 1 || live[0].ID != name || live[0].Parent != in.Kubeconfig || len(made) != 1 || made[0] != name {
		t.Errorf("in the ledger %+v, told of %v", live, made)
	}
	if err := f.Delete(t.Context(), name); err != nil {
		t.Error(err)
	}
	if len(w.kube.names()) != 0 || len(l.Live()) != 0 {
		t.Errorf("left %v, in the ledger %v", w.kube.names(), l.Live())
	}
	o.Dial = nil
	if _, err := provision.NewFixtures(o, nil).Namespace(t.Context(), "check", in); err == nil {
		t.Error("a namespace was made without a way to the cluster")
	}
}

// One of the name of another namespace is told from it by its cluster.
func TestNamespaceOfTheSameName(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	f := provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial}, nil)
	name, err := f.Namespace(t.Context(), "check", provision.Cluster{Kubeconfig: "/a/kubeconfig"})
	if err != nil {
		t.Fatal(err)
	}
	other := provision.Cluster{ID: "other", Kubeconfig: "/other/kubeconfig"}
	id, err := f.NamespaceLike(t.Context(), other, name, "account")
	if err != nil {
		t.Fatal(err)
	}
	if got := w.kube.accounts[1:]; !slices.Equal(got, []string{name + "/account"}) {
		t.Errorf("accounts %v", got)
	}
	if live := l.Live(); len(live) != 2 || id == name || live[1].ID != id || live[1].Name != name || live[1].Parent != other.ID {
		t.Errorf("%s, in the ledger %+v", id, live)
	}
}
