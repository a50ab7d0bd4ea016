package suites_test

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	_ "github.com/wlif-conformance/wlif-conformance/suites/access"
	_ "github.com/wlif-conformance/wlif-conformance/suites/clients"
	_ "github.com/wlif-conformance/wlif-conformance/suites/custom"
	_ "github.com/wlif-conformance/wlif-conformance/suites/exchange"
	_ "github.com/wlif-conformance/wlif-conformance/suites/federation"
	_ "github.com/wlif-conformance/wlif-conformance/suites/issuer"
	_ "github.com/wlif-conformance/wlif-conformance/suites/lifecycle"
	_ "github.com/wlif-conformance/wlif-conformance/suites/metadata"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	_ "github.com/wlif-conformance/wlif-conformance/suites/secrets"
	_ "github.com/wlif-conformance/wlif-conformance/suites/subjects"
	_ "github.com/wlif-conformance/wlif-conformance/suites/terraform"
	_ "github.com/wlif-conformance/wlif-conformance/suites/tutorial"
)

func TestConformance(t *testing.T) {
	process := fmt.Sprintf("suite-%d", GinkgoParallelProcess())
	r, err := run.Open(process)
	if errors.Is(err, run.ErrNoRun) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyPollingInterval(run.Poll)
	stop, err := run.EndWith(r.Info.Launcher)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	registerLifecycle(r)
	registerPausing(r)
	registerComparing(r)
	registerReporting(r)
	RunSpecs(t, "Workload identity federation")
}
