package suites_test

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/pause"
	"github.com/wlif-conformance/wlif-conformance/framework/progress"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// registerLifecycle makes the suite's own nodes. They are registered after the
// configuration was read, because their timeouts come from it.
func registerLifecycle(r *run.Run) {
	timeouts := r.Config.Timeouts
	SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
		return provisionTarget(ctx, r)
	}, func(ctx SpecContext, handed []byte) {
		var target provision.Target
		Expect(json.Unmarshal(handed, &target)).To(Succeed())
		Expect(r.Join()).To(Succeed())
		Expect(r.Attach(ctx, target)).To(Succeed())
	}, run.Limit(timeouts.Provision.D(), timeouts.Call.D()))

	SynchronizedAfterSuite(func() {
		if GinkgoParallelProcess() > 1 { // the first one tears down, when the others are done
			Expect(r.Leave()).To(Succeed())
		}
	}, func(ctx SpecContext) {
		tearDown(ctx, r)
	}, run.Limit(timeouts.Teardown.D()))

	BeforeEach(func() {
		exchanging.Forget()
		id, ok := check.RequirementOf(CurrentSpecReport())
		Expect(ok).To(BeTrue(), "the spec decides no requirement")
		requirement, _ := conformance.Lookup(id)
		if lacking, lacks := r.Lacks(requirement.Features); lacks {
			check.Needs(lacking.Name, false, lacking.Reason)
		}
		if why := r.Unasked(requirement); why != "" {
			check.LeaveOut(why)
		}
	})
}

// registerPausing waits after a failure until somebody has looked around. A
// JustAfterEach comes before everything that cleans up.
func registerPausing(r *run.Run) {
	if r.Info.Pause == "" {
		return
	}
	JustAfterEach(func(ctx SpecContext) {
		spec := CurrentSpecReport()
		if !spec.State.Is(types.SpecStateFailed | types.SpecStatePanicked | types.SpecStateTimedout) {
			return
		}
		id, _ := check.RequirementOf(spec)
		err := pause.Ask(ctx, r.Info.Pause, pause.Failure{Spec: spec.LeafNodeText, Requirement: id, Location: location(spec), Message: check.OneLine(spec.Failure.Message)})
		if err != nil {
			_ = r.Journal.Write(journal.Log{Level: "warn", Text: err.Error()})
		}
	})
}

// registerComparing keeps what a failed exchange can be explained by. An AfterEach
// comes before the deletion of what the check made.
func registerComparing(r *run.Run) {
	AfterEach(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			exchanging.Compare(ctx)
		}
	}, run.Limit(r.Config.Timeouts.Call.D()))
}

// provisionTarget makes the shared target on the first process and returns it as
// JSON for all of them.
func provisionTarget(ctx SpecContext, r *run.Run) []byte {
	failed := func(err error) {
		GinkgoHelper()
		if err != nil {
			explained = true
			_ = r.Journal.Write(journal.Problem{Where: "provisioning", Reason: strings.TrimPrefix(err.Error(), "provisioning: ")})
			Fail(err.Error())
		}
	}
	planned, err := progress.Planned(r.Config)
	failed(err)
	failed(r.Journal.Write(planned))
	failed(r.ConnectCloud(ctx))
	failed(r.Join())
	target, _, err := provision.Provision(ctx, provision.Options{
		Config: r.Config, Client: r.Cloud, Ledger: r.Ledger(), Dial: cluster.Dial, On: progress.Listener(r.Journal),
	})
	failed(err)
	failed(r.Folder.SaveTarget(*target))
	failed(r.Attach(ctx, *target))
	failed(r.Journal.Write(r.TargetEvent(ctx)))
	endEvents = r.FollowEvents(ctx)
	for _, feature := range r.Features() {
		failed(r.Journal.Write(feature))
	}
	handed, err := json.Marshal(target)
	failed(err)
	return handed
}

// explained is set once the journal says why there is no target.
var explained bool

// endEvents ends what follows the cluster's events.
var endEvents = func() {}

// tearDown deletes the shared target. What it leaves, the launcher's sweep tries
// again; the launcher also takes the inventory.
func tearDown(ctx SpecContext, r *run.Run) {
	endEvents()
	if r.Ledger() == nil {
		return
	}
	provisioned := r.Target.RunID != ""
	decided := func(v journal.Verdict) {
		if provisioned {
			v.Requirement, v.Case = conformance.TutorialDeleted, runfolder.SharedTargetCase
			_ = r.Journal.Write(v)
		}
	}
	if r.Config.Keep {
		Expect(r.Leave()).To(Succeed())
		decided(journal.Verdict{Verdict: conformance.Skipped, Reason: "the target is kept, as --keep asks", ByChoice: true})
		return
	}
	r.CollectLogs(ctx)
	var outcome provision.Outcome
	err := r.Ledger().TakeOver()
	if err == nil {
		outcome, err = provision.Teardown(ctx, provision.TeardownOptions{
			Config: r.Config, Client: r.Cloud, Ledger: r.Ledger(), Dial: cluster.Dial, On: progress.Listener(r.Journal),
		})
	}
	_ = r.Leave()
	switch {
	case len(outcome.Left) > 0:
		decided(journal.Verdict{Verdict: conformance.Fail, Duration: outcome.Took, Reason: leftNames(outcome.Left)})
	case err != nil:
		decided(journal.Verdict{Verdict: conformance.Error, Duration: outcome.Took, Reason: err.Error()})
	default:
		decided(journal.Verdict{Verdict: conformance.Pass, Duration: outcome.Took})
	}
	if err != nil {
		_ = r.Journal.Write(journal.Problem{Where: "teardown", Reason: err.Error()})
	}
}

func leftNames(left []provision.Leftover) string {
	text := "still there after the teardown:"
	for _, l := range left {
		text += " " + l.Kind + " " + l.ID
		if l.Reason != "" {
			text += " (" + l.Reason + ")"
		}
	}
	return text
}
