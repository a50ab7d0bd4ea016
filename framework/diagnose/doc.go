// Package diagnose finds the mistakes in what a run, or a workload of the user's,
// stands on: who pays, quotas, roles, access policies, the way out of the nodes, the
// token endpoint and the clock, a managed cluster and a Kubernetes service account.
//
// Each has a type of facts. Read… gathers them from the cloud, changing nothing;
// their Findings judges them and calls nobody. Why a token is refused is the business
// of the packages exchange and trust.
package diagnose
