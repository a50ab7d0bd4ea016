package provision

import (
	"context"
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

func deleteNetwork(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Networks().Delete(ctx, &vpc.DeleteNetworkRequest{NetworkId: r.ID})
}

func deleteGateway(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Gateways().Delete(ctx, &vpc.DeleteGatewayRequest{GatewayId: r.ID})
}

func deleteRouteTable(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.RouteTables().Delete(ctx, &vpc.DeleteRouteTableRequest{RouteTableId: r.ID})
}

func deleteSubnet(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Subnets().Delete(ctx, &vpc.DeleteSubnetRequest{SubnetId: r.ID})
}

func deleteSecurityGroup(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.SecurityGroups().Delete(ctx, &vpc.DeleteSecurityGroupRequest{SecurityGroupId: r.ID})
}

func deleteServiceAccount(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.ServiceAccounts().Delete(ctx, &iam.DeleteServiceAccountRequest{ServiceAccountId: r.ID})
}

func deleteCluster(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Clusters().Delete(ctx, &k8s.DeleteClusterRequest{ClusterId: r.ID})
}

func deleteNodeGroup(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.NodeGroups().Delete(ctx, &k8s.DeleteNodeGroupRequest{NodeGroupId: r.ID})
}

func deleteFederation(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Federations().Delete(ctx, &oidc.DeleteFederationRequest{FederationId: r.ID})
}

func deleteCredential(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.FederatedCredentials().Delete(ctx, &workload.DeleteFederatedCredentialRequest{FederatedCredentialId: r.ID})
}

func deleteSecret(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.Secrets().Delete(ctx, &lockbox.DeleteSecretRequest{SecretId: r.ID})
}

func deleteKMSKey(ctx context.Context, c *cloud.Client, _ string, r Resource) (*operation.Operation, error) {
	return c.SymmetricKeys().Delete(ctx, &kms.DeleteSymmetricKeyRequest{KeyId: r.ID})
}

func deleteBinding(ctx context.Context, c *cloud.Client, folder string, r Resource) (*operation.Operation, error) {
	return changeBindings(ctx, c, folder, access.AccessBindingAction_REMOVE, r.Parent, r.Name)
}

// subjectServiceAccount is the subject type of service accounts.
const subjectServiceAccount = "serviceAccount"

// changeBindings adds or removes roles of a service account on a folder, as one call.
func changeBindings(ctx context.Context, c *cloud.Client, folder string, action access.AccessBindingAction, account string, roles ...string) (*operation.Operation, error) {
	req := &access.UpdateAccessBindingsRequest{ResourceId: folder}
	for _, role := range roles {
		req.AccessBindingDeltas = append(req.AccessBindingDeltas, delta(action, account, role))
	}
	return c.Folders().UpdateAccessBindings(ctx, req)
}

func bindingCommand(r Resource, folder string) string {
	return fmt.Sprintf("yc resource-manager folder remove-access-binding %s --role %s --subject %s:%s", folder, r.Name, subjectServiceAccount, r.Parent)
}
