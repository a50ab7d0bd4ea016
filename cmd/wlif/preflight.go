package main

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// finding is one thing that was looked at before anything is created.
type finding struct {
	what string
	// detail says what was found, remedy what to do about it.
	detail, remedy string
	err            error
	// unseen: it could not be looked at.
	unseen bool
}

func firstProblem(findings []finding) error {
	for _, f := range findings {
		if f.err != nil {
			return f.err
		}
	}
	return nil
}

// connect opens the cloud. Credentials that it does not take are wrong input.
func connect(ctx context.Context, cfg *config.Config, runID string) (*cloud.Client, error) {
	client, err := cloud.Connect(ctx, cloud.Options{
		Endpoint: cfg.Endpoint, Credentials: cfg.Credentials, RunID: runID, CallTimeout: cfg.Timeouts.Call.D(),
	})
	return client, usersFault(err)
}

// usersFault marks what the cloud refuses because of the configuration.
func usersFault(err error) error {
	switch cloud.ClassOf(err) {
	case cloud.ClassNotFound, cloud.ClassInvalid, cloud.ClassUnauthenticated, cloud.ClassPermission:
		return usageError(err)
	}
	return err
}

// preflight looks at everything in the cloud that a configuration names. It only
// reads.
func preflight(ctx context.Context, cfg *config.Config, client *cloud.Client) []finding {
	folder := func(key, id string) finding {
		return look("folder "+id, func() (string, error) {
			found, err := client.Folders().Get(ctx, &resourcemanager.GetFolderRequest{FolderId: id})
			return found.GetName(), cloud.While(err, "looking up "+key+" "+id)
		})
	}
	findings := []finding{folder("folder_id", cfg.FolderID)}
	if cfg.OtherFolderID != "" {
		findings = append(findings, folder("other_folder_id", cfg.OtherFolderID))
	}
	for _, named := range []struct{ key, id string }{{"cluster_id", cfg.ClusterID}, {"other_cluster_id", cfg.OtherClusterID}} {
		if named.id != "" {
			findings = append(findings, look("cluster "+named.id, func() (string, error) { return existingCluster(ctx, client, named.key, named.id) }))
		}
	}
	if cfg.Kubeconfig != "" {
		findings = append(findings, look("cluster of "+cfg.Kubeconfig, func() (string, error) { return clusterByKubeconfig(ctx, cfg) }))
	}
	for _, own := range ownResources(cfg) {
		if own.id != "" {
			findings = append(findings, look(own.what+" "+own.id, func() (string, error) {
				name, err := own.name(ctx, client, own.id)
				return name, cloud.While(err, "looking up "+own.key+" "+own.id)
			}))
		}
	}
	if cfg.Cluster != config.ClusterExisting {
		findings = append(findings, look("Kubernetes version", func() (string, error) { return offeredVersion(ctx, cfg, client) }))
	}
	return findings
}

// ownResource is one that the user may bring.
type ownResource struct {
	what, key, id string
	name          func(ctx context.Context, c *cloud.Client, id string) (string, error)
}

func ownResources(cfg *config.Config) []ownResource {
	account := func(ctx context.Context, c *cloud.Client, id string) (string, error) {
		found, err := c.ServiceAccounts().Get(ctx, &iam.GetServiceAccountRequest{ServiceAccountId: id})
		return found.GetName(), err
	}
	return []ownResource{
		{"network", "network_id", cfg.NetworkID, func(ctx context.Context, c *cloud.Client, id string) (string, error) {
			found, err := c.Networks().Get(ctx, &vpc.GetNetworkRequest{NetworkId: id})
			return found.GetName(), err
		}},
		{"subnet", "subnet_id", cfg.SubnetID, func(ctx context.Context, c *cloud.Client, id string) (string, error) {
			found, err := c.Subnets().Get(ctx, &vpc.GetSubnetRequest{SubnetId: id})
			return found.GetName(), err
		}},
		{"security group", "security_group_id", cfg.SecurityGroupID, func(ctx context.Context, c *cloud.Client, id string) (string, error) {
			found, err := c.SecurityGroups().Get(ctx, &vpc.GetSecurityGroupRequest{SecurityGroupId: id})
			return found.GetName(), err
		}},
		{"service account", "cluster_service_account_id", cfg.ClusterServiceAccountID, account},
		{"service account", "node_service_account_id", cfg.NodeServiceAccountID, account},
		{"service account", "service_account_id", cfg.ServiceAccountID, account},
		{"federation", "federation_id", cfg.FederationID, func(ctx context.Context, c *cloud.Client, id string) (string, error) {
			found, err := c.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: id})
			return found.GetName(), err
		}},
		{"secret", "secret_id", cfg.SecretID, func(ctx context.Context, c *cloud.Client, id string) (string, error) {
			found, err := c.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: id})
			return found.GetName(), err
		}},
	}
}

func look(what string, get func() (string, error)) finding {
	detail, err := get()
	return finding{what: what, detail: detail, err: usersFault(err)}
}

func existingCluster(ctx context.Context, client *cloud.Client, key, id string) (string, error) {
	found, err := provision.ExistingCluster(ctx, client, key, id, false)
	if errors.Is(err, provision.ErrNotEnabled) {
		err = usageError(err)
	}
	return found.Name, err
}

func clusterByKubeconfig(ctx context.Context, cfg *config.Config) (string, error) {
	c, err := cluster.FromKubeconfig(cfg.Kubeconfig)
	if err != nil {
		return "", usageError(err)
	}
	version, err := c.Version(ctx)
	if err != nil {
		return "", err
	}
	if cfg.JWKSURL == "" {
		_, discovered, err := c.OIDC(ctx)
		if err != nil {
			return "", err
		}
		if why := unreachable(discovered); why != "" {
			return "", &config.Error{Problems: []config.Problem{{
				Key: "jwks_url", Value: discovered, Source: "the discovery document of the cluster in kubeconfig " + cfg.Kubeconfig,
				Message: "the cloud cannot fetch the cluster's public keys from " + why +
					"; upload what `kubectl get --raw /openid/v1/jwks` prints to where everybody can read it, such as a public bucket, and give its URL with --jwks-url",
			}}}
		}
	}
	return "Kubernetes " + version, nil
}

// unreachable says why a cloud cannot fetch a URL: its host is known to be
// reached from this machine, its network or its cluster only. Empty: it may.
func unreachable(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" {
		return "what is no URL"
	}
	host := strings.ToLower(strings.TrimSuffix(parsed.Hostname(), "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() {
			return "the address " + host + ", which is not public"
		}
		return ""
	}
	for _, suffix := range []string{".svc", ".cluster.local", ".localhost"} {
		if strings.HasSuffix(host, suffix) {
			return "the name " + host + ", which is not public"
		}
	}
	if !strings.Contains(host, ".") {
		return "the name " + host + ", which is not public"
	}
	return ""
}

// offeredVersion refuses a version that the cloud does not offer in the release
// channel.
func offeredVersion(ctx context.Context, cfg *config.Config, client *cloud.Client) (string, error) {
	list, err := client.Versions().List(ctx, &k8s.ListVersionsRequest{})
	if err != nil {
		return "", cloud.While(err, "listing the Kubernetes versions on offer")
	}
	for _, channel := range list.GetAvailableVersions() {
		if !strings.EqualFold(channel.GetReleaseChannel().String(), cfg.ReleaseChannel) {
			continue
		}
		offered := channel.GetVersions()
		if cfg.K8sVersion == "" || slices.Contains(offered, cfg.K8sVersion) {
			return "on offer: " + strings.Join(offered, ", "), nil
		}
		return "", &config.Error{Problems: []config.Problem{{
			Key: "k8s_version", Value: cfg.K8sVersion, Source: cfg.Origins["k8s_version"],
			Message: "is not on offer in the release channel " + cfg.ReleaseChannel, Allowed: offered,
		}}}
	}
	return "", usageError(errors.New("the cloud offers no Kubernetes version in the release channel " + cfg.ReleaseChannel))
}
