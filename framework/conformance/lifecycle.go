package conformance

const areaLifecycle = "lifecycle"

// What happens to a cluster's identity over the cluster's life.
const (
	LifecycleEnable              = "lifecycle/enable-on-existing-cluster"
	LifecycleOldIssuerTokens     = "lifecycle/old-issuer-tokens"
	LifecycleDisable             = "lifecycle/disable"
	LifecycleDisabledTokens      = "lifecycle/disabled-cluster-tokens"
	LifecycleVersionRequirement  = "lifecycle/version-requirement"
	LifecycleChannelRequirement  = "lifecycle/channel-requirement"
	LifecycleNodeGroupFlag       = "lifecycle/node-group-flag"
	LifecycleDeleteRemovesIssuer = "lifecycle/cluster-delete-removes-issuer"
	LifecycleRestart             = "lifecycle/api-server-restart"
	LifecycleUpgrade             = "lifecycle/upgrade"
)

const enableStep = "Set up a Managed Service for Kubernetes cluster, step 1"

func lifecycleArea() []Requirement {
	second := []Feature{ManagedCluster, SecondCluster}
	restart := []Feature{ManagedCluster, SecondCluster, ClusterRestart}
	return area(areaLifecycle, alike(Requirement{Level: Must, Severity: Major, Features: second}, []Requirement{
		{
			ID: LifecycleEnable,
			Statement: "After workload identity federation was enabled on an existing cluster, the cluster MUST report issuer and JWKS URL, new tokens have this issuer, " +
				"and a federation that trusts it exchange them.",
			Sources:     []Source{tutorialClause(enableStep), proto("k8s/v1/cluster_service.proto", "UpdateClusterRequest.workload_identity_federation")},
			Remediation: "Wait for the operation of the update to end, ask for new tokens, and report a cluster whose tokens keep the old issuer to the cloud's support.",
		},
		{
			ID:        LifecycleOldIssuerTokens,
			Statement: "RECORD whether a token from before workload identity federation was enabled is exchanged through a federation of the new issuer, or of the old.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{tutorialClause(enableStep), kubernetesDocs(kubernetesServiceAccounts, tokenProjection)},
			Remediation: "Make the pods again after workload identity federation was enabled, so that they get tokens of the new issuer.",
		},
		{
			ID:          LifecycleDisable,
			Statement:   "After workload identity federation was disabled on a cluster, the cluster MUST report it as disabled.",
			Sources:     []Source{proto("k8s/v1/cluster_service.proto", "WorkloadIdentityFederationSpec.enabled")},
			Remediation: "Wait for the operation of the update to end; until then delete the federated credentials of the cluster's accounts.",
		},
		{
			ID:        LifecycleDisabledTokens,
			Statement: "RECORD whether tokens from before and after workload identity federation was disabled on their cluster are exchanged, and which issuer the later ones have.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{proto("k8s/v1/cluster_service.proto", "WorkloadIdentityFederationSpec.enabled")},
			Remediation: "Delete the federation too: it may go on trusting keys that it knows.",
		},
		{
			ID:        LifecycleVersionRequirement,
			Statement: "RECORD how a cluster of a Kubernetes version before 1.30 with workload identity federation is refused.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{tutorialClause(enableStep)},
			Remediation: "Use Kubernetes 1.30 or higher.",
		},
		{
			ID:        LifecycleChannelRequirement,
			Statement: "RECORD whether a cluster outside the rapid release channel may have workload identity federation.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{tutorialClause(enableStep)},
			Remediation: "Use the rapid release channel.",
		},
		{
			ID:          LifecycleNodeGroupFlag,
			Statement:   "A node group MUST report whether workload identity federation was enabled on it at its creation or by an update, and that it was disabled again.",
			Sources:     []Source{proto("k8s/v1/node_group_service.proto", "UpdateNodeGroupRequest.workload_identity_federation")},
			Remediation: "Wait for the operation of the update to end, and enable workload identity federation on the cluster first.",
		},
		{
			ID:        LifecycleDeleteRemovesIssuer,
			Statement: "RECORD whether the key set of a deleted cluster is still published, and whether its tokens are still exchanged.",
			Level:     Record, Severity: Minor,
			Sources:     []Source{tutorialClause("How to delete the resources you created")},
			Remediation: "Delete the federation together with the cluster.",
		},
		{
			ID:          LifecycleRestart,
			Statement:   "After a cluster was stopped and started, its issuer MUST be the same and tokens from before and after be exchanged.",
			Features:    restart,
			Sources:     []Source{proto("k8s/v1/cluster_service.proto", "ClusterService.Stop, ClusterService.Start"), wlifConcepts("Workload identity federations")},
			Remediation: "Compare the published key set with the one from before; if the signing key changed, report it to the cloud's support.",
		},
		{
			ID:        LifecycleUpgrade,
			Statement: "After a cluster was upgraded to the next Kubernetes minor, its issuer MUST be the same and tokens from before and after be exchanged.",
			Slow:      true, Features: restart,
			Sources:     []Source{proto("k8s/v1/cluster_service.proto", "MasterUpdateSpec.version"), wlifConcepts("Workload identity federations")},
			Remediation: "Compare the published key set with the one from before; if the signing key changed, report it to the cloud's support.",
		},
	}))
}
