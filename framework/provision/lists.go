package provision

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// pageSize is what most lists give by default.
const pageSize = 100

// item is what the messages of all listed resources have.
type item interface {
	GetId() string
	GetName() string
	GetLabels() map[string]string
	GetCreatedAt() *timestamppb.Timestamp
}

// collect reads all pages of a list.
func collect[T item](kind string, page func(token string) ([]T, string, error)) ([]Resource, error) {
	items, err := cloud.All(page)
	if err != nil {
		return nil, cloud.While(err, "listing "+kind)
	}
	out := make([]Resource, 0, len(items))
	for _, i := range items {
		r := Resource{Kind: kind, ID: i.GetId(), Name: i.GetName(), Labels: i.GetLabels()}
		if at := i.GetCreatedAt(); at != nil {
			r.Created = at.AsTime()
		}
		out = append(out, r)
	}
	return out, nil
}

func listNetworks(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindNetwork, func(token string) ([]*vpc.Network, string, error) {
		r, err := c.Networks().List(ctx, &vpc.ListNetworksRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetNetworks(), r.GetNextPageToken(), err
	})
}

func listGateways(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindGateway, func(token string) ([]*vpc.Gateway, string, error) {
		r, err := c.Gateways().List(ctx, &vpc.ListGatewaysRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetGateways(), r.GetNextPageToken(), err
	})
}

func listRouteTables(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindRouteTable, func(token string) ([]*vpc.RouteTable, string, error) {
		r, err := c.RouteTables().List(ctx, &vpc.ListRouteTablesRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetRouteTables(), r.GetNextPageToken(), err
	})
}

func listSubnets(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindSubnet, func(token string) ([]*vpc.Subnet, string, error) {
		r, err := c.Subnets().List(ctx, &vpc.ListSubnetsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetSubnets(), r.GetNextPageToken(), err
	})
}

func listSecurityGroups(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindSecurityGroup, func(token string) ([]*vpc.SecurityGroup, string, error) {
		r, err := c.SecurityGroups().List(ctx, &vpc.ListSecurityGroupsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetSecurityGroups(), r.GetNextPageToken(), err
	})
}

func listServiceAccounts(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindServiceAccount, func(token string) ([]*iam.ServiceAccount, string, error) {
		r, err := c.ServiceAccounts().List(ctx, &iam.ListServiceAccountsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetServiceAccounts(), r.GetNextPageToken(), err
	})
}

func listClusters(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindCluster, func(token string) ([]*k8s.Cluster, string, error) {
		r, err := c.Clusters().List(ctx, &k8s.ListClustersRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetClusters(), r.GetNextPageToken(), err
	})
}

func listNodeGroups(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindNodeGroup, func(token string) ([]*k8s.NodeGroup, string, error) {
		r, err := c.NodeGroups().List(ctx, &k8s.ListNodeGroupsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetNodeGroups(), r.GetNextPageToken(), err
	})
}

func listFederations(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindFederation, func(token string) ([]*oidc.Federation, string, error) {
		r, err := c.Federations().List(ctx, &oidc.ListFederationsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetFederations(), r.GetNextPageToken(), err
	})
}

func listSecrets(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindSecret, func(token string) ([]*lockbox.Secret, string, error) {
		r, err := c.Secrets().List(ctx, &lockbox.ListSecretsRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetSecrets(), r.GetNextPageToken(), err
	})
}

func listKMSKeys(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error) {
	return collect(KindKMSKey, func(token string) ([]*kms.SymmetricKey, string, error) {
		r, err := c.SymmetricKeys().List(ctx, &kms.ListSymmetricKeysRequest{FolderId: folder, PageSize: pageSize, PageToken: token})
		return r.GetKeys(), r.GetNextPageToken(), err
	})
}

// credential gives a federated credential the methods of an item: it has no name
// and no labels, and what tells it from others is its external subject.
type credential struct{ *workload.FederatedCredential }

func (c credential) GetName() string              { return c.GetExternalSubjectId() }
func (c credential) GetLabels() map[string]string { return nil }

// listCredentials lists the credentials of one service account: there is no
// list by federation or by folder.
func listCredentials(ctx context.Context, c *cloud.Client, _, account string) ([]Resource, error) {
	out, err := collect(KindCredential, func(token string) ([]credential, string, error) {
		r, err := c.FederatedCredentials().List(ctx, &workload.ListFederatedCredentialsRequest{ServiceAccountId: account, PageSize: pageSize, PageToken: token})
		var items []credential
		for _, fc := range r.GetFederatedCredentials() {
			items = append(items, credential{fc})
		}
		return items, r.GetNextPageToken(), err
	})
	for i := range out {
		out[i].Parent = account
	}
	return out, err
}

// binding gives an access binding the methods of an item.
type binding struct{ *access.AccessBinding }

func (b binding) GetId() string                        { return bindingID(b.GetRoleId(), b.GetSubject().GetId()) }
func (b binding) GetName() string                      { return b.GetRoleId() }
func (b binding) GetLabels() map[string]string         { return nil }
func (b binding) GetCreatedAt() *timestamppb.Timestamp { return nil }

// listBindings lists the roles that a service account has on the folder. They
// outlive the account unless they are removed.
func listBindings(ctx context.Context, c *cloud.Client, folder, account string) ([]Resource, error) {
	out, err := collect(KindAccessBinding, func(token string) ([]binding, string, error) {
		r, err := c.Folders().ListAccessBindings(ctx, &access.ListAccessBindingsRequest{ResourceId: folder, PageSize: pageSize, PageToken: token})
		var items []binding
		for _, b := range r.GetAccessBindings() {
			if b.GetSubject().GetId() == account {
				items = append(items, binding{b})
			}
		}
		return items, r.GetNextPageToken(), err
	})
	for i := range out {
		out[i].Parent = account
	}
	return out, err
}
