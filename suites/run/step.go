package run

import (
	"context"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
)

// Margin is what a spec may take beyond the named timeout that it waits with.
// Running out of it is the engine's failure, not the target's.
const Margin = time.Minute

// Poll is how often a spec asks while it waits.
const Poll = time.Second

// Limit bounds a node by the named timeouts that it waits with, one after the
// other.
func Limit(waits ...time.Duration) ginkgo.NodeTimeout {
	limit := Margin
	for _, wait := range waits {
		limit += wait
	}
	return ginkgo.NodeTimeout(limit)
}

// Step says what the spec does next: to Ginkgo's report, and at once to the
// journal.
func Step(text string, callback ...func()) {
	ginkgo.GinkgoHelper()
	requirement, _ := check.RequirementOf(ginkgo.CurrentSpecReport())
	_ = current.Journal.Write(journal.Step{Requirement: requirement, Text: text})
	ginkgo.By(text, callback...)
}

// KeepPod keeps evidence of a pod if the present spec fails.
func KeepPod(namespace, pod string) {
	ginkgo.GinkgoHelper()
	requirement, _ := check.RequirementOf(ginkgo.CurrentSpecReport())
	ginkgo.DeferOnFailure(func(ctx ginkgo.SpecContext) {
		current.keep(ctx, requirement, namespace, pod)
	}, ginkgo.NodeTimeout(Margin))
}

// keep writes what it can: evidence that cannot be had must not hide the failure.
func (r *Run) keep(ctx context.Context, requirement, namespace, pod string) {
	files, err := workload.Diagnose(ctx, r.Cluster, namespace, pod, r.Folder.Diagnostics(requirement), r.Redactor)
	for _, file := range files {
		_ = r.Journal.Write(journal.Diagnostic{Requirement: requirement, File: file})
	}
	if err != nil {
		_ = r.Journal.Write(journal.Log{Level: "warning", Text: err.Error()})
	}
}
