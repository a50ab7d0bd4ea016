package conformance

const areaSubjects = "subjects"

// Workloads outside Kubernetes, by the subjects that their systems give them.
const (
	SubjectsGitLabBranch           = areaSubjects + "/gitlab-branch"
	SubjectsGitLabOtherBranch      = areaSubjects + "/gitlab-other-branch"
	SubjectsGitLabOtherProject     = areaSubjects + "/gitlab-other-project"
	SubjectsGitHubRef              = areaSubjects + "/github-ref"
	SubjectsGitHubImmutableSubject = areaSubjects + "/github-immutable-subject"
	SubjectsGitHubOldSubjectForm   = areaSubjects + "/github-old-subject-form"
	SubjectsWildcardIsLiteral      = areaSubjects + "/wildcard-is-literal"
)

func subjectsArea() []Requirement {
	var (
		gitlab = []Source{
			cloudDocs("WLIF tutorial for GitLab", "Link the service account to the federation", "tutorials/security/wlif-gitlab-integration"),
			{Document: "GitLab documentation, ID tokens", Clause: "Token payload", URL: "https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload"},
		}
		github = []Source{
			cloudDocs("WLIF tutorial for GitHub", "Link the service account to the federation", "tutorials/security/wlif-github-integration"),
			{Document: "GitHub documentation, OpenID Connect reference", Clause: "Example subject claims", URL: "https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims"},
		}
		exact = []Source{proto("iam/v1/workload/federated_credential.proto", "FederatedCredential.external_subject_id, \"exact match\"")}
	)
	return area(areaSubjects, alike(Requirement{
		Level: Must, Severity: Critical, Features: ownIssuer, Sources: exact,
		Remediation: "Compare the whole sub of a token with the linked subject, character by character.",
	}, []Requirement{
		{ID: SubjectsGitLabBranch, Statement: "A token with the subject of a GitLab pipeline on a branch MUST be exchanged where this subject is linked.", Severity: Major, Sources: gitlab,
			Remediation: "Link the subject project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH as GitLab writes it."},
		{ID: SubjectsGitLabOtherBranch, Statement: "The token of a GitLab pipeline on another branch MUST be refused.", Sources: append(gitlab, exact...)},
		{ID: SubjectsGitLabOtherProject, Statement: "The token of a GitLab pipeline of another project MUST be refused.", Sources: append(gitlab, exact...)},
		{ID: SubjectsGitHubRef, Statement: "A token with the subject of a GitHub workflow on a branch MUST be exchanged where this subject is linked.", Severity: Major, Sources: github,
			Remediation: "Link the subject repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH as GitHub writes it."},
		{ID: SubjectsGitHubImmutableSubject, Statement: "A token with GitHub's immutable subject MUST be exchanged where this subject is linked, and refused if its owner or repository has another number.", Sources: append(github, exact...)},
		{ID: SubjectsGitHubOldSubjectForm, Statement: "A token with GitHub's older form of a subject MUST be refused where the immutable form is linked.", Sources: append(github, exact...),
			Remediation: "Compare subjects as they are: a name that was given up can be taken by somebody else. Whoever links must link the form that the repository's tokens have."},
		{ID: SubjectsWildcardIsLiteral, Statement: "A star in a linked subject MUST stand for itself alone."},
	}))
}
