package conformance

const areaInvariants = "invariants"

// NothingLeftBehind is decided by the inventory at the end of every run.
const NothingLeftBehind = "invariants/nothing-left-behind"

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
	})
}
