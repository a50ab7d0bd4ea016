package run

import (
	"fmt"
	"strings"

	"github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/progress"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// Join opens the run's ledger, which the launcher made, together with the run's
// other processes: each holds it for as long as it may create something, so that
// nobody's sweep takes the run for dead.
func (r *Run) Join() error {
	if r.ledger != nil {
		return nil
	}
	ledger, err := provision.JoinLedger(r.Info.StateDir, r.Info.RunID, r.process)
	if err != nil {
		return fmt.Errorf("opening what the launcher prepared: %w", err)
	}
	r.ledger = ledger
	progress.Watch(r.Journal, ledger)
	return nil
}

// Ledger is the run's ledger; nil before Join.
func (r *Run) Ledger() *provision.Ledger { return r.ledger }

// Leave gives the ledger back: this process creates nothing more.
func (r *Run) Leave() error {
	if r.ledger == nil {
		return nil
	}
	return r.ledger.Close()
}

// Fixtures make resources for the present spec (or, in a BeforeAll, for its
// container), and delete each when it ends.
func (r *Run) Fixtures() *provision.Fixtures {
	var f *provision.Fixtures
	limit := Limit(r.Config.Timeouts.ClusterDelete.D(), r.Config.Timeouts.Delete.D())
	f = provision.NewFixtures(r.options(), func(id string) {
		ginkgo.DeferCleanup(func(ctx ginkgo.SpecContext) {
			check.Prerequisite(f.Delete(ctx, id), "deleting what the check made")
		}, limit)
	})
	return f
}

// SharedFixtures make resources that several specs of this process read. The
// teardown deletes them.
func (r *Run) SharedFixtures() *provision.Fixtures { return provision.NewFixtures(r.options(), nil) }

func (r *Run) options() provision.Options {
	return provision.Options{Config: r.Config, Client: r.Cloud, Ledger: r.ledger, Dial: cluster.Dial}
}

// Exchange is a client of the target's token endpoint. Time limits come from the
// context; see Bounded.
func (r *Run) Exchange() *exchange.Client {
	return &exchange.Client{Endpoint: r.Config.TokenEndpoint, RunID: r.Info.RunID, HTTP: r.HTTP()}
}

// Namespace is a name for a namespace of a check's own.
func (r *Run) Namespace(what string) string {
	return strings.Join([]string{r.Config.NamespacePrefix, r.Info.RunID, what}, "-")
}
