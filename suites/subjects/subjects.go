// Package subjects checks which subjects of systems other than Kubernetes may act
// as a service account. The tokens are of an issuer of our own, which writes what
// those systems write.
package subjects

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
)

// Subjects as the systems write them
// (https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload,
// https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims).
const (
	gitlabMain = "project_path:group/project:ref_type:branch:ref:main"
	githubMain = "repo:owner/repository:ref:refs/heads/main"
	// githubImmutable names owner and repository by number, too.
	githubImmutable = "repo:owner@1001/repository@2002:ref:refs/heads/main"
	star            = "repo:owner/*"
)

// other is a subject that must not pass where another is linked.
type other struct{ what, subject string }

// rows are the requirements: the linked subject passes, the others do not.
var rows = []struct {
	requirement, text, linked string
	refused                   []other
}{
	{conformance.SubjectsGitLabBranch, "lets a GitLab pipeline in", gitlabMain, nil},
	{conformance.SubjectsGitLabOtherBranch, "keeps a GitLab pipeline of another branch out", gitlabMain, []other{
		{"the branch is another", "project_path:group/project:ref_type:branch:ref:dev"},
		{"the branch only begins like the linked one", gitlabMain + "-2"},
		{"the ref is a tag", "project_path:group/project:ref_type:tag:ref:main"},
	}},
	{conformance.SubjectsGitLabOtherProject, "keeps a GitLab pipeline of another project out", gitlabMain, []other{
		{"the project is another", "project_path:group/other:ref_type:branch:ref:main"},
		{"the group is another", "project_path:other/project:ref_type:branch:ref:main"},
	}},
	{conformance.SubjectsGitHubRef, "lets a GitHub workflow in", githubMain, nil},
	{conformance.SubjectsGitHubImmutableSubject, "tells GitHub repositories apart by their numbers", githubImmutable, []other{
		{"the repository has another number", "repo:owner@1001/repository@2003:ref:refs/heads/main"},
		{"the owner has another number", "repo:owner@1002/repository@2002:ref:refs/heads/main"},
	}},
	{conformance.SubjectsGitHubOldSubjectForm, "keeps the older form of a GitHub subject out", githubImmutable, []other{
		{"the subject has no numbers", githubMain},
	}},
	{conformance.SubjectsWildcardIsLiteral, "takes a star for a star", star, []other{
		{"the star would stand for a repository", githubMain},
		{"the star would stand for nothing", "repo:owner/"},
	}},
}

var _ = Describe("A linked subject", func() {
	for _, row := range rows {
		It(row.text, check.Decides(row.requirement), forge.Limit(), func(ctx SpecContext) {
			s := forge.Own(ctx, forge.Options{Subject: row.linked, Unready: len(row.refused) == 0})
			if len(row.refused) == 0 {
				s.Settles(ctx)
				return
			}
			exchanging.Twin(ctx, s.Form(s.Token()))
			for _, o := range row.refused {
				exchanging.Refused(ctx, s.Form(s.Token(issuer.WithClaim("sub", o.subject))), o.what+": the subject is "+o.subject+", and "+row.linked+" is linked")
			}
		})
	}
})
