package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// programPath is where the Go program is in a pod.
const programPath = "/tmp/readsecret"

// program is the one of cmd/readsecret, beside this program.
func program() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	file := filepath.Join(filepath.Dir(self), "readsecret")
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("%w (`make build` makes it)", err)
	}
	return file, nil
}

// programInPod is a check that reads a secret with one of the clients of read-secret.
func programInPod(client string) func(SpecContext) {
	return func(ctx SpecContext) {
		s := prepare(ctx)
		pod := s.Run(ctx, nil)
		file, err := program()
		check.Prerequisite(err, "finding the program for the pod")
		run.Step("copying a Go program into the pod")
		limited, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Exec.D())
		defer cancel()
		check.Prerequisite(workload.Upload(limited, s.Cluster, pod.Namespace, pod.Object.Name, manifests.ContainerName, file, programPath), "copying a program into the pod")
		run.Step("reading a secret with " + client)
		result, err := pod.Type(ctx, fmt.Sprintf("%s -client=%s -service-account=%s -token-file=%s %s",
			programPath, client, s.ServiceAccountID, manifests.TokenPath, s.secret.GetId()))
		check.Prerequisite(err, "running a Go program in the pod")
		check.NoError(judgeProgram(result), "reading a secret with "+client+" in the pod")
		Expect(strings.Fields(result.Stdout)).To(Equal([]string{calling.CanaryKey}), "the payload has other keys")
	}
}

// judgeProgram says what went wrong. The program ends with 1 if the cloud refused;
// with any other code it says nothing of the cloud.
func judgeProgram(result workload.Result) error {
	switch result.Status {
	case 0:
		return nil
	case 1:
		return errors.New(check.OneLine(result.Stderr))
	}
	return &exchange.TransportError{Endpoint: "that the program called", Err: fmt.Errorf("it ended with code %d: %s", result.Status, check.OneLine(result.Stderr))}
}
