package conformance

const areaTutorial = "tutorial"

// The requirements of the tutorial, in the tutorial's order.
const (
	TutorialClusterWLIFEnabled = "tutorial/cluster-wlif-enabled"
	TutorialKSACreated         = "tutorial/ksa-created"
	TutorialFederationCreated  = "tutorial/federation-created"
	TutorialSACreated          = "tutorial/sa-created"
	TutorialRoleGranted        = "tutorial/role-granted"
	TutorialLinked             = "tutorial/linked"
	TutorialSecretCreated      = "tutorial/secret-created"
	TutorialPodRunning         = "tutorial/pod-running"
	TutorialNodeEgress         = "tutorial/node-egress"
	TutorialExchange           = "tutorial/exchange"
	TutorialPayload            = "tutorial/payload"
	TutorialDeleted            = "tutorial/deleted"
)

func tutorialClause(section string) Source {
	return Source{
		Document: "Managed Kubernetes WLIF tutorial",
		Clause:   section,
		URL:      "https://yandex.cloud/en/docs/managed-kubernetes/tutorials/wlif-managed-k8s-integration",
	}
}

func tutorialArea() []Requirement {
	return area(areaTutorial, []Requirement{
		{
			ID:          TutorialClusterWLIFEnabled,
			Statement:   "A cluster with workload identity federation enabled MUST report it as enabled, with an https issuer URL and a JWKS URL.",
			Level:       Must,
			Severity:    Major,
			Features:    []Feature{ManagedCluster},
			Sources:     []Source{tutorialClause("Set up a Managed Service for Kubernetes cluster, step 3")},
			Remediation: "Use Kubernetes 1.30 or higher in the rapid release channel, enable workload identity federation on the cluster, and wait for the update to finish.",
		},
		{
			ID:          TutorialKSACreated,
			ProvenBy:    "framework/workload TestPresenceGetter",
			Statement:   "The Kubernetes service account of the tutorial's manifest MUST exist in its namespace after the manifest was applied.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Set up a Managed Service for Kubernetes cluster, step 4")},
			Remediation: "Give the account that applies the manifest a role such as k8s.cluster-api.cluster-admin, and apply manifests/tutorial/service-account.yaml.",
		},
		{
			ID:          TutorialFederationCreated,
			Statement:   "A federation created with the cluster's issuer as issuer and audience and the cluster's JWKS URL MUST be returned with exactly these values and be enabled.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Create a workload identity federation")},
			Remediation: "Copy the Issuer URL into both the issuer and the audience, and the JWKS URL as the cluster reports it; a trailing slash makes it another issuer.",
		},
		{
			ID:          TutorialSACreated,
			Statement:   "The IAM service account MUST exist in the folder under the name it was created with.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Set up an IAM service account, step 1")},
			Remediation: "Create the service account in the folder of the secret; the caller needs iam.serviceAccounts.admin.",
		},
		{
			ID:          TutorialRoleGranted,
			Statement:   "The folder's access bindings MUST list the role lockbox.payloadViewer for the IAM service account after it was assigned.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Set up an IAM service account, step 2")},
			Remediation: "Assign lockbox.payloadViewer to the service account on the folder of the secret; the caller needs resource-manager.admin or an equal role.",
		},
		{
			ID:          TutorialLinked,
			Statement:   "The IAM service account MUST have a federated credential of the federation whose subject is exactly system:serviceaccount:<namespace>:<name>.",
			Level:       Must,
			Severity:    Critical,
			Sources:     []Source{tutorialClause("Link the IAM service account to the federation")},
			Remediation: "Link the service account to the federation with the subject system:serviceaccount:<namespace>:<name> of the Kubernetes service account; it is compared exactly.",
		},
		{
			ID:          TutorialSecretCreated,
			Statement:   "The Lockbox secret MUST be active with a current version that has the key test-secret.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Create a Yandex Lockbox secret")},
			Remediation: "Create a custom secret with the key test-secret and the value hello-world; the caller needs lockbox.admin.",
		},
		{
			ID:          TutorialPodRunning,
			ProvenBy:    "framework/workload TestBeRunning",
			Statement:   "The tutorial's pod with the projected service account token MUST become Running.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Test the integration, steps 2 to 4")},
			Remediation: "Look at the pod's events: nodes must be Ready, able to pull the image, and the service account must exist in the pod's namespace.",
		},
		{
			ID:          TutorialNodeEgress,
			Statement:   "A pod on the cluster's nodes MUST be able to open an HTTPS connection to the cloud's API.",
			Level:       Must,
			Severity:    Major,
			Sources:     []Source{tutorialClause("Set up a Managed Service for Kubernetes cluster, step 2")},
			Remediation: "Give the nodes public addresses or their subnet a NAT gateway with a route, and allow all outgoing traffic in their security group.",
		},
		{
			ID:        TutorialExchange,
			Statement: "The tutorial's commands, run one after the other in one shell of the pod, MUST yield an IAM token.",
			Level:     Must,
			Severity:  Critical,
			Sources: []Source{
				tutorialClause("Test the integration, steps 5 to 8"),
				{Document: "RFC 8693", Clause: "2.2.1 Successful Response", URL: "https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1"},
			},
			Remediation: "Compare the token's iss, aud and sub with the federation's issuer and audiences and with the credential's subject; the exchange's `audience` is the id of the IAM service account.",
		},
		{
			ID:          TutorialPayload,
			Statement:   "The payload read with that IAM token MUST hold the stored key and value and name the secret's current version.",
			Level:       Must,
			Severity:    Critical,
			Sources:     []Source{tutorialClause("Test the integration, step 9")},
			Remediation: "Assign lockbox.payloadViewer on the secret's folder (and a KMS role if the secret is encrypted with a key of yours), and wait for the role to take effect. If another value came, compare the secret's current version with what was stored.",
		},
		{
			ID:          TutorialDeleted,
			Statement:   "After the deletion nothing that the tutorial created MUST exist any more, in the cloud or in the cluster.",
			Level:       Must,
			Severity:    Minor,
			Sources:     []Source{tutorialClause("How to delete the resources you created")},
			Remediation: "Run `wlif sweep --run ID` with the id of the run; what it cannot delete it names.",
		},
	})
}
