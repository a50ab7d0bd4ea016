package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// remover deletes resources in reverse dependency order, in parallel where
// nothing forbids it, and past errors.
type remover struct {
	client *cloud.Client
	// folder is that of records that name none.
	folder   string
	timeouts config.Timeouts
	// storage is the URL of the object storage; empty: the cloud knows.
	storage string
	dial    Dial
	// internal: clusters that stay are reached from inside their network.
	internal bool
	// gone is told of every record that is no more; nil: nobody.
	gone func(Mark) error

	mu      sync.Mutex
	deleted []Resource
	reasons map[string]string // by resource key: why it could not be deleted
}

// key tells resources apart.
func (r Record) key() string { return r.Kind + "|" + r.Parent + "|" + r.Name }

func (r Record) resource() Resource {
	return Resource{Kind: r.Kind, ID: r.ID, Name: r.Name, Folder: r.FolderID, Parent: r.Parent, Labels: r.Labels}
}

// run deletes what records say and returns what it did.
func (m *remover) run(ctx context.Context, records []Record, usual Durations, on Listener) ([]Span, error) {
	m.reasons = map[string]string{}
	g, err := m.graph(records)
	if err != nil {
		return nil, err
	}
	return g.run(ctx, runOptions{phase: PhaseTeardown, usual: usual, on: on, keepGoing: true})
}

// graph makes a step of every record. A namespace of a cluster that is deleted
// too is not deleted by itself: it goes with the cluster.
func (m *remover) graph(records []Record) (*Graph, error) {
	passengers := map[string][]Record{}
	var own []Record
	for _, r := range records {
		if goesWithCluster(r, records) {
			passengers[r.Parent] = append(passengers[r.Parent], r)
			continue
		}
		own = append(own, r)
	}
	names := stepNames(own)
	var steps []Step
	for i, r := range own {
		k, ok := kinds[r.Kind]
		if !ok {
			return nil, fmt.Errorf("deleting %s %s: the ledger names a kind that this version does not know", r.Kind, r.Name)
		}
		s := Step{Name: names[i], Kind: r.Kind}
		s.Timeout, s.TimeoutKey = m.timeout(r.Kind)
		if k.deleteMethod != "" {
			s.Methods = []string{k.deleteMethod}
		}
		for j, other := range own {
			if j != i && slices.Contains(k.after, other.Kind) {
				s.Needs = append(s.Needs, names[j])
			}
		}
		with := passengers[r.ID]
		s.Do = func(ctx context.Context, report func(string)) (string, error) {
			id, err := m.remove(ctx, r, with, report)
			if r.Kind == KindAccessBinding {
				id = "" // it says only what the step's name says
			}
			return id, err
		}
		steps = append(steps, s)
	}
	return NewGraph(steps...)
}

// goesWithCluster reports whether r is a namespace of a cluster that is deleted too.
func goesWithCluster(r Record, records []Record) bool {
	return r.Kind == KindNamespace && slices.ContainsFunc(records, func(c Record) bool {
		return c.Kind == KindCluster && c.ID != "" && c.ID == r.Parent
	})
}

// stepNames are the records' steps. What a step made several of is told apart by
// its name: of a role with the account that has it, of others with the id.
func stepNames(records []Record) []string {
	count := map[string]int{}
	for _, r := range records {
		count[r.Step]++
	}
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Step
		switch {
		case r.Kind == KindAccessBinding:
			out[i] = fmt.Sprintf("%s %s (%s)", cmp.Or(r.Step, r.Kind), r.Name, r.Parent)
		case r.Step == "" || count[r.Step] > 1:
			out[i] = fmt.Sprintf("%s %s %s", r.Kind, r.Name, r.ID)
		}
		if slices.Contains(out[:i], out[i]) {
			out[i] = fmt.Sprintf("%s (%d)", out[i], i)
		}
	}
	return out
}

func (m *remover) timeout(kind string) (time.Duration, string) {
	switch kind {
	case KindCluster:
		return m.timeouts.ClusterDelete.D(), "timeout.cluster_delete"
	case KindNodeGroup:
		return m.timeouts.NodeGroupDelete.D(), "timeout.node_group_delete"
	default:
		return m.timeouts.Delete.D(), "timeout.delete"
	}
}

// remove deletes one record and notes that it is gone, and with it what it took along.
func (m *remover) remove(ctx context.Context, r Record, with []Record, report func(string)) (string, error) {
	r, err := m.settle(ctx, r, report)
	var going []*operation.Operation
	if err == nil && r.ID != "" {
		going, err = m.delete(ctx, r, report)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		err = unended(cloud.While(err, fmt.Sprintf("deleting %s %s %s", r.Kind, r.Name, r.ID)), going)
		m.reasons[r.key()] = err.Error()
		return r.ID, err
	}
	for _, x := range append([]Record{r}, with...) {
		if x.ID != "" {
			m.deleted = append(m.deleted, x.resource())
		}
		if m.gone != nil && x.mark != (Mark{}) {
			if err := m.gone(x.mark); err != nil {
				return r.ID, err
			}
		}
	}
	return r.ID, nil
}

func (m *remover) folderOf(r Record) string { return cmp.Or(r.FolderID, m.folder) }

// delete deletes one record. It returns what the cloud was still doing with it then.
func (m *remover) delete(ctx context.Context, r Record, report func(string)) (going []*operation.Operation, err error) {
	k := kinds[r.Kind]
	switch r.Kind {
	case KindNamespace:
		err = m.deleteNamespace(ctx, r)
	case KindAccessBinding:
		err = rebind(ctx, m.client, m.folderOf(r), access.AccessBindingAction_REMOVE, r.Parent, []string{r.Name}, report)
	default:
		if going, err = m.idle(ctx, k, r, report); err != nil {
			break
		}
		if k.empty != nil {
			if err = k.empty(ctx, m, r); err != nil {
				break
			}
		}
		err = m.insist(ctx, k, r, report)
	}
	if cloud.ClassOf(err) == cloud.ClassNotFound {
		return nil, nil
	}
	return going, err
}

// insist deletes, and again after a failure that may pass: of the call, or of the
// operation at its end. Deleting what is gone does no harm.
func (m *remover) insist(ctx context.Context, k kind, r Record, report func(string)) error {
	for attempt := 1; ; attempt++ {
		op, err := call(cloud.WithIdempotencyKey(ctx, cloud.NewIdempotencyKey()), func(ctx context.Context) (*operation.Operation, error) {
			return k.delete(ctx, m.client, m.folderOf(r), r.resource())
		})
		if err == nil {
			err = m.client.Wait(ctx, k.deleteMethod, op, nil, saying(report))
		}
		class := cloud.ClassOf(err)
		if class != cloud.ClassRetryable && class != cloud.ClassTransport || attempt == deleteAttempts || !pause(ctx, deleteBackoff) {
			return err
		}
	}
}

// How often a deletion is tried, and how long is waited between.
const (
	deleteAttempts = 3
	deleteBackoff  = time.Second
)

// deleteNamespace deletes a namespace of a cluster that stays.
func (m *remover) deleteNamespace(ctx context.Context, r Record) error {
	k, err := m.kube(ctx, r.Parent)
	if err != nil {
		return err // NOT_FOUND: the namespace went with its cluster
	}
	return k.DeleteNamespace(ctx, r.Name)
}

// kube opens the API of a cluster that stays, by its id or the absolute path of
// its kubeconfig.
func (m *remover) kube(ctx context.Context, parent string) (Kubernetes, error) {
	if m.dial == nil {
		return nil, errors.New("reaching the cluster's API: no way to was given")
	}
	target := Cluster{Kubeconfig: parent}
	if !filepath.IsAbs(parent) {
		c, err := m.client.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: parent})
		if err != nil {
			return nil, err
		}
		target = ClusterOf(c, m.internal)
	}
	k, err := m.dial(ctx, kubeAccess(m.client, target))
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster's API: %w", err)
	}
	return k, nil
}
