package conformance

const areaInvariants = "invariants"

// What the end of every run decides.
const (
	// NothingLeftBehind is decided by the inventory.
	NothingLeftBehind = areaInvariants + "/nothing-left-behind"
	// NoSecretInArtifacts is decided by a search of everything that the run wrote.
	NoSecretInArtifacts = areaInvariants + "/no-secret-in-artifacts"
	// EveryUnrunSpecHasAReason is decided by the journal.
	EveryUnrunSpecHasAReason = areaInvariants + "/every-unrun-spec-has-a-reason"
	// NoUnexpectedRefusal is decided by the cloud's audit log.
	NoUnexpectedRefusal = areaInvariants + "/no-unexpected-refusal-in-audit"
)

func invariantsArea() []Requirement {
	return area(areaInvariants, []Requirement{
		{
			ID:          NothingLeftBehind,
			Statement:   "After the teardown the folder MUST NOT hold any resource that carries the run's label, name or ledger entry.",
			Level:       Must,
			Severity:    Minor,
			Sources:     []Source{tutorialClause("How to delete the resources you created")},
			Remediation: "Run `wlif sweep --run ID` with the id of the run, then look at what the report names as left.",
		},
		{
			ID:          NoSecretInArtifacts,
			Statement:   "Nothing that a run writes MUST hold a token, a private key, a credential of the run or the payload that it planted.",
			Level:       Must,
			Severity:    Critical,
			Sources:     []Source{{Document: "RFC 6750", Clause: "section 5.3, Safeguard bearer tokens", URL: "https://www.rfc-editor.org/rfc/rfc6750#section-5.3"}},
			ProvenBy:    "cmd/wlif TestLeaksAreFound",
			Remediation: "Do not pass the run's folder on; the report names the file, and what kind of secret it holds is to be taken out where it is written.",
		},
		{
			ID:          EveryUnrunSpecHasAReason,
			Statement:   "Every check that a run was asked for and did not make MUST have a reason in the report.",
			Level:       Must,
			Severity:    Minor,
			Sources:     []Source{{Document: "ITU-T X.290", Clause: "conformance log and test verdicts", URL: "https://www.itu.int/rec/T-REC-X.290"}},
			ProvenBy:    "cmd/wlif TestSkippedWithoutAReason",
			Remediation: "Look at the suite's log for what kept the check from running, and run it again with --requirement.",
		},
		{
			ID:          NoUnexpectedRefusal,
			Statement:   "The cloud MUST NOT refuse the run's own account anything for want of a role, so that the documented roles are enough.",
			Level:       Must,
			Severity:    Major,
			Features:    []Feature{AuditLog},
			Sources:     []Source{{Document: "Managed Service for Kubernetes, access management", Clause: "Roles required to create a cluster", URL: "https://yandex.cloud/en/docs/managed-kubernetes/security/"}},
			ProvenBy:    "cmd/wlif TestRefusalsOfTheRunsOwnAccount",
			Remediation: "Give the account of the run the roles that the README lists.",
		},
	})
}
