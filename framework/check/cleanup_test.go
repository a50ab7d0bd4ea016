package check

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

const specsVariable = "CHECK_RUNS_SPECS"

// A spec is judged by its first failure: what its cleanup asks, and whether that is
// answered, changes nothing. Ginkgo runs specs once in a process, so that they have one of
// their own.
func TestCleanupChangesNoVerdict(t *testing.T) {
	command := exec.Command(os.Args[0], "-test.run=^TestSpecsOfCleanup$", "-test.v")
	command.Env = append(os.Environ(), specsVariable+"=1")
	out, _ := command.CombinedOutput() // its specs fail
	for _, want := range []string{
		"verdict ERROR of a prerequisite that fails before a cleanup that is answered: the twin: it is refused",
		"verdict FAIL of a failure before a cleanup that is not answered: it is wrong",
		"verdict ERROR of a cleanup that is not answered: cleaning up",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

func TestSpecsOfCleanup(t *testing.T) {
	if os.Getenv(specsVariable) == "" {
		t.Skip("TestCleanupChangesNoVerdict runs it")
	}
	gomega.RegisterFailHandler(ginkgo.Fail)
	asked := func(err error) func() {
		return func() {
			_, _ = Poll(func(context.Context) (int, error) { return 0, err })(t.Context())
			Prerequisite(err, "cleaning up")
		}
	}
	silence := cloud.NewError("a.Service/Get", codes.Unavailable, "nobody answers", "", nil)
	ginkgo.Describe("spec", func() {
		ginkgo.It("of a prerequisite that fails before a cleanup that is answered", func() {
			ginkgo.DeferCleanup(asked(nil))
			Prerequisite(errors.New("it is refused"), "the twin")
		})
		ginkgo.It("of a failure before a cleanup that is not answered", func() {
			ginkgo.DeferCleanup(asked(silence))
			ginkgo.Fail("it is wrong")
		})
		ginkgo.It("of a cleanup that is not answered", func() { ginkgo.DeferCleanup(asked(silence)) })
	})
	ginkgo.ReportAfterEach(func(spec ginkgo.SpecReport) {
		j := Judge(spec, conformance.Must, Take(), Asked{})
		t.Logf("verdict %s %s: %s", j.Verdict, spec.LeafNodeText, j.Reason)
	})
	ginkgo.RunSpecs(t, "cleanup")
}
