package provision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// accountNamed finds a service account of a run.
func (w *world) accountNamed(what string) string {
	w.t.Helper()
	list, err := w.client.ServiceAccounts().List(w.t.Context(), &iam.ListServiceAccountsRequest{FolderId: w.announce.FolderID})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range list.GetServiceAccounts() {
		if strings.HasSuffix(a.GetName(), what) {
			return a.GetId()
		}
	}
	w.t.Fatalf("there is no service account %s", what)
	return ""
}

// What one run made is what the user brings to the next: that uses it, and it is all
// there when the next has been torn down.
func TestWhatTheUserBringsStays(t *testing.T) {
	for name, tc := range map[string]struct {
		env   func(w *world, own *provision.Target) []string
		given []string
	}{
		"everything but a cluster": {func(w *world, own *provision.Target) []string {
			return []string{"WLIF_SUBNET_ID=" + own.SubnetID, "WLIF_SECURITY_GROUP_ID=" + own.SecurityGroupID, "WLIF_CLUSTER_SERVICE_ACCOUNT_ID=" + w.accountNamed("cluster-sa"),
				"WLIF_NODE_SERVICE_ACCOUNT_ID=" + w.accountNamed("node-sa"), "WLIF_SERVICE_ACCOUNT_ID=" + own.ServiceAccountID, "WLIF_SECRET_ID=" + own.SecretID}
		}, []string{provision.StepClusterSA, provision.StepNodeSA, provision.StepSecret, provision.StepSecurityGroup, provision.StepServiceAccount, provision.StepSubnet}},
		"a cluster and its federation": {func(_ *world, own *provision.Target) []string {
			return []string{"WLIF_CLUSTER=existing", "WLIF_CLUSTER_ID=" + own.Cluster.ID, "WLIF_FEDERATION_ID=" + own.FederationID, "WLIF_SERVICE_ACCOUNT_ID=" + own.ServiceAccountID}
		}, []string{provision.StepFederation, provision.StepServiceAccount}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			own, _ := w.provisioned()
			before := w.inventory()
			w.cfg = w.configure(tc.env(w, own)...)
			next, l := w.provisioned()
			if given := slices.Sorted(slices.Values(next.Given)); !slices.Equal(given, tc.given) {
				t.Errorf("given: %v, want %v", given, tc.given)
			}
			for step, ids := range map[string][2]string{provision.StepServiceAccount: {own.ServiceAccountID, next.ServiceAccountID}, provision.StepSecret: {own.SecretID, next.SecretID},
				provision.StepFederation: {own.FederationID, next.FederationID}, provision.StepSecurityGroup: {own.SecurityGroupID, next.SecurityGroupID}} {
				if ids[1] != "" && (ids[0] == ids[1]) != next.IsGiven(step) {
					t.Errorf("%s: %s, the user's is %s", step, ids[1], ids[0])
				}
			}
			if slices.Contains(next.Accounts, own.ServiceAccountID) || next.CredentialID == own.CredentialID || next.Subject == own.Subject {
				t.Errorf("%+v", next)
			}
			if _, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial}); err != nil {
				t.Error(err)
			}
			if after := w.inventory(); !slices.Equal(before, after) {
				t.Errorf("after the teardown there is\n%v\nand before there was\n%v", after, before)
			}
		})
	}
}

// What does not fit is refused before anything that costs is made.
func TestWhatTheUserBringsMustFit(t *testing.T) {
	w := newWorld(t, nil)
	own, _ := w.provisioned()
	op, err := w.client.Networks().Create(t.Context(), &vpc.CreateNetworkRequest{FolderId: w.announce.FolderID, Name: "other"})
	other := &vpc.Network{}
	if err == nil {
		err = w.client.Wait(t.Context(), "network", op, other, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	for want, env := range map[string][]string{
		"it is in network " + own.NetworkID: {"WLIF_NETWORK_ID=" + other.GetId(), "WLIF_SECURITY_GROUP_ID=" + own.SecurityGroupID},
		"it has no lockbox.payloadViewer":   {"WLIF_SERVICE_ACCOUNT_ID=" + w.accountNamed("cluster-sa")},
		"looking up secret_id e6qnothing":   {"WLIF_SECRET_ID=e6qnothing"},
	} {
		w.cfg = w.configure(env...)
		l := w.ledger()
		if _, _, err := w.provision(t.Context(), l, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", env, err, want)
		}
		if _, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial}); err != nil {
			t.Error(err)
		}
	}
}
