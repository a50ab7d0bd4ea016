package conformance

const areaMetadata = "metadata"

// Tokens for pods from the metadata address of their node: the tutorial's newer way.
const (
	MetadataToken             = areaMetadata + "/token"
	MetadataOwnAccount        = areaMetadata + "/own-account"
	MetadataUnannotated       = areaMetadata + "/unannotated"
	MetadataUnannotatedAnswer = areaMetadata + "/unannotated-answer"
	MetadataUnlinkedAccount   = areaMetadata + "/unlinked-account"
	MetadataFlavorHeader      = areaMetadata + "/flavor-header"
	MetadataNodeGroupFlag     = areaMetadata + "/node-group-flag"
)

func metadataArea() []Requirement {
	tutorial := cloudDocs("Managed Kubernetes WLIF tutorial, March 2026", "Test the integration", "managed-kubernetes/tutorials/wlif-managed-k8s-integration")
	setup := cloudDocs("Managed Kubernetes WLIF tutorial, March 2026", "Set up a cluster", "managed-kubernetes/tutorials/wlif-managed-k8s-integration")
	address := cloudDocs("VM metadata", "VM instance metadata service parameters", "compute/concepts/vm-metadata")
	return area(areaMetadata, alike(Requirement{
		Level: Must, Severity: Critical, Features: []Feature{ManagedCluster, MetadataTokens}, Sources: []Source{tutorial},
	}, []Requirement{
		{ID: MetadataToken, Statement: "A pod whose Kubernetes service account names an IAM service account that is linked to it MUST get an IAM token of that account from the metadata address.", Severity: Major,
			Remediation: "Enable workload identity federation on cluster and node group, annotate the Kubernetes service account with yandex.cloud/federated-yc-service-account-id, and link the IAM service account to its subject."},
		{ID: MetadataOwnAccount, Statement: "Each of two pods on one cluster MUST get the token of the account that its own Kubernetes service account names, and not the other's.",
			Remediation: "Decide by the pod that asks, and keep no token for others."},
		{ID: MetadataUnannotated, Statement: "A pod whose Kubernetes service account names no account MUST NOT get a token with which another pod's account reads.",
			Remediation: "Give tokens of federated accounts to the pods whose Kubernetes service account names them, and to no others."},
		{ID: MetadataUnannotatedAnswer, Statement: "RECORD what the metadata address answers to a pod whose Kubernetes service account names no account.", Level: Record, Severity: Minor,
			Remediation: "None: the documentation does not say it."},
		{ID: MetadataUnlinkedAccount, Statement: "A pod MUST NOT get an IAM token of an account that its Kubernetes service account names and that is not linked to it.",
			Remediation: "Exchange the pod's token for one of the account that is named, and refuse where the exchange is refused."},
		{ID: MetadataFlavorHeader, Statement: "A request for a token without the header Metadata-Flavor: Google MUST be refused.", Sources: []Source{address},
			Remediation: "Refuse requests without the header: it protects against servers that fetch what others name."},
		{ID: MetadataNodeGroupFlag, Statement: "A pod on a node group for which workload identity federation is not enabled MUST NOT get a token of the account that its Kubernetes service account names.", Sources: []Source{setup},
			Features: []Feature{ManagedCluster, MetadataTokens, SecondCluster}, Remediation: "Serve pods' tokens only on node groups for which it is enabled."},
	}))
}
