package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// inCloud looks at the cloud: what the configuration names, and what a run stands on.
func inCloud(ctx context.Context, cfg *config.Config, account string) []finding {
	client, err := connect(ctx, cfg, "")
	if err != nil {
		return []finding{{what: "cloud " + cfg.Endpoint, err: err}}
	}
	defer func() { _ = client.Close(ctx) }() // nothing depends on it any more
	findings := append([]finding{{what: "cloud", detail: "credentials are accepted"}}, preflight(ctx, cfg, client)...)
	return append(findings, standing(ctx, cfg, client, account)...)
}

// standing is what a run stands on in the cloud.
func standing(ctx context.Context, cfg *config.Config, client *cloud.Client, account string) []finding {
	asking, cancel := context.WithTimeout(ctx, cfg.Timeouts.Exchange.D())
	defer cancel()
	findings := diagnosed(diagnose.Ask(asking, cfg.TokenEndpoint).Findings())
	folder, err := client.Folders().Get(ctx, &resourcemanager.GetFolderRequest{FolderId: cfg.FolderID})
	if err != nil {
		return findings // the preflight has said so
	}
	cloudID := folder.GetCloudId()
	if cfg.CloudID != "" && cfg.CloudID != cloudID {
		findings = append(findings, finding{what: "cloud_id " + cfg.CloudID, err: usageError(errors.New("the folder " + cfg.FolderID + " is in the cloud " + cloudID)),
			remedy: "Set cloud_id to " + cloudID + ", or leave it out."})
	}
	findings = append(findings, diagnosed(diagnose.ReadBilling(ctx, client, cloudID).Findings())...)
	findings = append(findings, quotas(ctx, cfg, client, cloudID)...)
	rights := diagnose.Rights{}
	if id := cmp.Or(account, keyFileAccount(cfg.Credentials.KeyFile)); id != "" {
		rights = diagnose.ReadRights(ctx, client, id, cfg.FolderID, cloudID)
	}
	findings = append(findings, diagnosed(rights.Findings())...)
	findings = append(findings, diagnosed(diagnose.ReadPolicies(ctx, client, cfg.FolderID, cloudID).Findings())...)
	if cfg.SubnetID != "" {
		// The nodes get the run's own security group.
		findings = append(findings, diagnosed(diagnose.ReadWay(ctx, client, "subnet "+cfg.SubnetID, []string{cfg.SubnetID}, nil, false, true).Findings())...)
	}
	if cfg.ClusterID != "" {
		findings = append(findings, diagnosed(diagnose.ReadManaged(ctx, client, cfg.ClusterID, false).Findings())...)
	}
	return findings
}

// diagnosed are findings as the commands print them.
func diagnosed(found []diagnose.Finding) []finding {
	var out []finding
	for _, f := range found {
		one := finding{what: f.What, detail: f.Text, remedy: f.Remedy, unseen: f.Unseen}
		if f.Name != "" {
			one.err = errors.New(f.Text)
		}
		out = append(out, one)
	}
	return out
}

// metrics are the quotas that count a kind of resource (docs: "Quotas and limits" of
// each service).
var metrics = map[string]string{
	provision.KindServiceAccount: "iam.serviceAccounts.count",
	provision.KindFederation:     "iam.oidcWLIFederations.count",
	provision.KindCredential:     "iam.saFederatedCredentials.count",
	provision.KindAccessBinding:  "iam.accessBindings.count",
	provision.KindSecret:         "lockbox.secrets.count",
	provision.KindNetwork:        "vpc.networks.count",
	provision.KindCluster:        "managed-kubernetes.clusters.count",
}

// quotas holds the limits against what the tutorial's resources need; checks of
// single areas make some more.
func quotas(ctx context.Context, cfg *config.Config, client *cloud.Client, cloudID string) []finding {
	graph, err := provision.Plan(cfg)
	if err != nil {
		return []finding{{what: "quotas", err: err}}
	}
	need := map[string]int{}
	for _, step := range graph.Steps() {
		if metric := metrics[step.Kind]; metric != "" {
			need[metric]++
		}
	}
	return diagnosed(diagnose.ReadQuotas(ctx, client, cloudID, need).Findings())
}

// keyFileAccount is the service account of an authorized key; empty if the file
// does not say it.
func keyFileAccount(path string) string {
	if path == "" {
		return ""
	}
	raw, err := os.ReadFile(path) //nolint:gosec // G304: the key file that the user named
	if err != nil {
		return "" // connecting has said so
	}
	var key struct {
		ServiceAccountID string `json:"service_account_id"`
	}
	_ = json.Unmarshal(raw, &key) // likewise
	return key.ServiceAccountID
}
