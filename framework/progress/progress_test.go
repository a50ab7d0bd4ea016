package progress

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

type recorder struct{ events []journal.Event }

func (r *recorder) Write(e journal.Event) error {
	r.events = append(r.events, e)
	return nil
}

func TestEventsAreTranslated(t *testing.T) {
	var r recorder
	on := Listener(&r)
	for _, e := range []provision.Event{
		{Type: provision.StepStarted, Phase: provision.PhaseProvision, Step: "network", Usual: time.Second},
		{Type: provision.StepWaiting, Phase: provision.PhaseProvision, Step: "network", Text: "operation o"},
		{Type: provision.StepDone, Phase: provision.PhaseProvision, Step: "network", ID: "enp", Elapsed: time.Second},
		{Type: provision.StepFailed, Phase: provision.PhaseTeardown, Step: "network", Err: errors.New("in use")},
		{Type: provision.StepDone, Phase: provision.PhaseProvision, Step: "subnet", Kind: provision.KindLookup, ID: "mine"},
		{Type: "unheard-of"},
	} {
		on(e)
	}
	want := []journal.Event{
		journal.NodeStarted{Phase: journal.Create, Node: "network", Usual: time.Second},
		journal.NodeWaiting{Phase: journal.Create, Node: "network", Text: "operation o"},
		journal.NodeFinished{Phase: journal.Create, Node: "network", ID: "enp", Duration: time.Second},
		journal.NodeFinished{Phase: journal.Delete, Node: "network", Error: "in use"},
		journal.NodeFinished{Phase: journal.LookUp, Node: "subnet", ID: "mine"},
	}
	if !reflect.DeepEqual(r.events, want) {
		t.Errorf("events %+v", r.events)
	}
}

func TestPlanIsTheProvisionersWithItsCriticalPath(t *testing.T) {
	cfg, err := config.Load(nil, []string{"WLIF_USUAL=yandex.cloud.k8s.v1.ClusterService/Create=60s,*=2s"})
	if err != nil {
		t.Fatal(err)
	}
	planned, err := Planned(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(planned.CriticalPath, provision.StepCluster) || planned.Length < time.Minute || planned.Sum <= planned.Length {
		t.Errorf("planned %+v", planned)
	}
	i := slices.IndexFunc(planned.Nodes, func(n journal.PlannedNode) bool { return n.Name == provision.StepSubnet })
	if i < 0 || !slices.Contains(planned.Nodes[i].After, provision.StepNetwork) {
		t.Errorf("nodes %+v", planned.Nodes)
	}
}
