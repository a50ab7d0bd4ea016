package conformance

const areaTerraform = "terraform"

// The tutorial's other way, as the example module has it.
const (
	TerraformApply    = areaTerraform + "/apply"
	TerraformNoDrift  = areaTerraform + "/second-plan-empty"
	TerraformExchange = areaTerraform + "/pod-reads-secret"
	TerraformDestroy  = areaTerraform + "/destroy"
)

func terraformArea() []Requirement {
	provider := func(resource string) Source {
		return Source{Document: "Terraform provider yandex-cloud/yandex v0.220.0", Clause: resource,
			URL: "https://github.com/yandex-cloud/terraform-provider-yandex/blob/v0.220.0/docs/resources/" + resource + ".md"}
	}
	federated, cluster := provider("iam_workload_identity_oidc_federation"), provider("kubernetes_cluster")
	return area(areaTerraform, alike(Requirement{
		Level: Must, Severity: Major, Features: []Feature{ManagedCluster, SecondCluster, Terraform},
	}, []Requirement{
		{ID: TerraformApply, Statement: "The tutorial's resources MUST be made by one apply of the example module.", Sources: []Source{cluster, federated},
			ProvenBy:    "framework/terraform TestCommandsThatFail",
			Remediation: "Look at what the apply says; what it needs beyond the run's own roles is in the README's list of roles."},
		{ID: TerraformNoDrift, Statement: "A second plan of the example module MUST change nothing.", Sources: []Source{cluster, federated},
			ProvenBy:    "framework/terraform TestChangesAreNamed",
			Remediation: "Report to the cloud's support which attribute comes back other than it was given; ignore_changes keeps it from being set again and again."},
		{ID: TerraformExchange, Statement: "A pod of the module's cluster MUST read the module's secret with its own token.", Sources: []Source{federated, provider("iam_workload_identity_federated_credential")},
			ProvenBy:    "suites/terraform TestOtherPayloadsThanGiven",
			Remediation: "Compare the module's federation with the issuer of the cluster's tokens: wlif doctor exchange."},
		{ID: TerraformDestroy, Statement: "A destroy of the example module MUST delete all that it made.", Sources: []Source{cluster, federated},
			ProvenBy:    "framework/terraform TestCommandsThatFail",
			Remediation: "Delete what is left by hand; wlif sweep finds it by its labels."},
	}))
}
