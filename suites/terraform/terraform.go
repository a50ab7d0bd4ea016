// Package terraform checks the tutorial's other way to do every step: the example
// module makes a cluster and all that a pod of it needs to read a secret.
package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/terraform"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

var _ = Describe("The tutorial as a Terraform module", Ordered, ContinueOnFailure, func() {
	t := run.Current().Config.Timeouts
	made, gone := t.Operation.D()+t.ClusterCreate.D()+t.NodeGroupCreate.D(), t.ClusterDelete.D()+t.NodeGroupDelete.D()
	s := &story{}
	AfterAll(func(ctx SpecContext) { s.close(ctx) }, run.Limit(gone))
	It("is made by one apply", check.Decides(conformance.TerraformApply), run.Limit(made), s.apply)
	It("is as it was planned", check.Decides(conformance.TerraformNoDrift), run.Limit(made, t.Operation.D()), s.planAgain)
	It("lets its pod read its secret", check.Decides(conformance.TerraformExchange),
		run.Limit(made, t.Call.D(), t.PodRunning.D(), t.Exec.D(), t.Propagation.D(), t.Propagation.D()), s.exchange)
	It("is deleted by one destroy", check.Decides(conformance.TerraformDestroy), run.Limit(made, gone, t.Call.D()), s.destroy)
})

// story is the module's life.
type story struct {
	module         *terraform.Module
	dir, namespace string
	outputs        map[string]string
	// opened is why there is no module, and applied why there is nothing of it.
	opened, applied  error
	begun, destroyed bool
}

// begin applies the module, for the first check that asks. Where the provider cannot be
// had, nothing can be decided.
func (s *story) begin(ctx context.Context) {
	GinkgoHelper()
	if !s.begun {
		s.begun = true
		if s.opened = s.open(ctx); s.opened == nil {
			run.Step("applying the module")
			s.applied = s.module.Apply(ctx)
		}
	}
	if errors.Is(s.opened, terraform.ErrUnavailable) {
		check.Needs(conformance.Terraform, false, s.opened.Error())
	}
	check.Prerequisite(s.opened, "preparing the module")
}

// open prepares the module in a folder beside the run's ledger, which a sweep deletes if
// this process is killed: the secret is in its state.
func (s *story) open(ctx context.Context) error {
	r := run.Current()
	program, err := terraform.Find()
	if err != nil {
		return err
	}
	s.dir = filepath.Join(filepath.Dir(r.Ledger().Path()), "terraform")
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return err
	}
	run.Step("getting the module's provider")
	s.namespace = strings.Join([]string{r.Config.NamespacePrefix, r.Info.RunID, "terraform"}, "-")
	fixtures := r.Fixtures()
	variables := map[string]any{
		"folder_id": r.Config.FolderID, "zone": r.Config.Zone, "name": fixtures.Name("tf"), "labels": fixtures.Labels(),
		"namespace": s.namespace, "kubernetes_service_account": provision.KSAName, "secret_value": r.Canary.Reveal(),
	}
	if version := r.Config.K8sVersion; version != "" {
		variables["k8s_version"] = version
	}
	s.module, err = terraform.Open(ctx, program, s.dir, manifests.Terraform(), variables, environ(os.Environ(), r.Config))
	return err
}

func (s *story) apply(ctx SpecContext) {
	s.begin(ctx)
	check.NoError(s.applied, "applying the module")
}

// had demands that the module was applied.
func (s *story) had(ctx context.Context) {
	GinkgoHelper()
	s.begin(ctx)
	check.Prerequisite(s.applied, "applying the module")
	if s.outputs == nil {
		outputs, err := s.module.Outputs(ctx)
		check.Prerequisite(err, "reading the module's outputs")
		s.outputs = outputs
	}
}

func (s *story) planAgain(ctx SpecContext) {
	s.had(ctx)
	run.Step("planning the module again")
	changes, err := s.module.Changes(ctx)
	check.NoError(err, "planning the module again")
	Expect(changes).To(BeEmpty(), "a second plan would change what the first made")
}

func (s *story) exchange(ctx SpecContext) {
	s.had(ctx)
	r := run.Current()
	found, err := r.Cloud.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: s.outputs["cluster_id"]})
	check.Prerequisite(err, "reading the module's cluster")
	of := provision.ClusterOf(found, r.Config.InternalEndpoint)
	opened, err := r.Open(of)
	check.Prerequisite(err, "connecting to the module's cluster")
	check.Prerequisite(opened.CreateNamespace(ctx, s.namespace, nil), "making the pod's namespace")
	check.Prerequisite(opened.CreateServiceAccount(ctx, s.namespace, provision.KSAName), "making the pod's service account")
	account := &signing.Account{Cluster: opened, Of: of, Namespace: s.namespace, Name: provision.KSAName}
	token := exchange.Token(strings.TrimSpace(account.Run(ctx, nil).Read(ctx, "cat "+manifests.TokenPath)))
	form := exchange.Form(token, s.outputs["service_account_id"])
	exchanging.Settles(ctx, "a link is made", form)
	reader := calling.Account{ID: s.outputs["service_account_id"], Token: exchanging.Accepted(ctx, form).AccessToken}
	secret := &lockbox.Secret{Id: s.outputs["secret_id"]}
	r.Settle(ctx, calling.RoleGranted, reader.Reads(secret))
	read, err := reader.Read(ctx, secret, "")
	check.NoError(calling.Judged(err), "reading the module's secret")
	Expect(given(read, r.Canary.Reveal())).To(Succeed())
}

// given reports a payload that is not the one value that the module was given. It
// quotes neither.
func given(read payload.Payload, value string) error {
	if len(read.Entries) != 1 {
		return fmt.Errorf("the module's secret has %d entries, not 1", len(read.Entries))
	}
	text, err := read.Entries[0].Bytes()
	switch {
	case err != nil:
		return fmt.Errorf("the module's secret: %w", err)
	case string(text) != value:
		return errors.New("the module's secret has another value than it was given")
	}
	return nil
}

func (s *story) destroy(ctx SpecContext) {
	s.had(ctx)
	run.Step("destroying the module")
	check.NoError(s.module.Destroy(ctx), "destroying the module")
	s.destroyed = true
	left, err := s.module.Resources(ctx)
	check.NoError(err, "reading the module's state")
	Expect(left).To(BeEmpty(), "the state still has resources")
	calling.Refuse(func() error {
		_, err := run.Current().Cloud.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: s.outputs["cluster_id"]})
		return err
	}, "the module's cluster is destroyed", codes.NotFound)
}

// close deletes what a check that failed has left, and the state with the secret.
func (s *story) close(ctx SpecContext) {
	var err error
	if s.module != nil && !s.destroyed {
		err = s.module.Destroy(ctx)
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	check.Prerequisite(err, "deleting what the module made")
}
