package bugs

// metadata is what the metadata address of a node gives to pods. Which pod asks is known
// from the cluster alone, so most act in the folder of the cluster, at any time.
var metadata = in("metadata",
	Bug{Name: "MetadataWithoutFlavor", OwnCluster: true,
		Doc:      "The metadata address answers requests without the header Metadata-Flavor, which any web page or server that fetches addresses for others can make.",
		MustKill: []string{"metadata/flavor-header"}},
	Bug{Name: "MetadataOnEveryNode",
		Doc:      "The metadata address gives IAM tokens to pods on node groups for which workload identity federation is not enabled.",
		MustKill: []string{"metadata/node-group-flag"}},
	Bug{Name: "MetadataIgnoresLink", OwnCluster: true,
		Doc:      "The metadata address gives an IAM token of whatever account the annotation names, linked or not.",
		MustKill: []string{"metadata/unlinked-account"}},
	Bug{Name: "MetadataForEveryPod", OwnCluster: true,
		Doc:      "The metadata address gives pods whose Kubernetes service account names no account the token of one that another names.",
		MustKill: []string{"metadata/unannotated"}},
	Bug{Name: "MetadataGivesNodesAccount", OwnCluster: true,
		Doc:      "The metadata address gives every pod the IAM token of the nodes' own service account.",
		MustKill: []string{"metadata/token", "metadata/own-account", "metadata/unlinked-account"},
		MayKill:  may("its twin reads a secret as the account that is named", "metadata/unannotated")},
)
