package cloud

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/storage/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
)

// Endpoints lists the cloud's endpoints.
func (c *Client) Endpoints() endpoint.ApiEndpointServiceClient {
	return endpoint.NewApiEndpointServiceClient(c.Conn())
}

// Operations is the operation service, which knows the operations of every API.
func (c *Client) Operations() operation.OperationServiceClient {
	return operation.NewOperationServiceClient(c.Conn())
}

// Clouds is the resource manager's cloud service.
func (c *Client) Clouds() resourcemanager.CloudServiceClient {
	return resourcemanager.NewCloudServiceClient(c.Conn())
}

// Folders is the resource manager's folder service.
func (c *Client) Folders() resourcemanager.FolderServiceClient {
	return resourcemanager.NewFolderServiceClient(c.Conn())
}

// IAMTokens issues and revokes IAM tokens.
func (c *Client) IAMTokens() iam.IamTokenServiceClient { return iam.NewIamTokenServiceClient(c.Conn()) }

// ServiceAccounts is the IAM service account service.
func (c *Client) ServiceAccounts() iam.ServiceAccountServiceClient {
	return iam.NewServiceAccountServiceClient(c.Conn())
}

// Federations is the OIDC workload identity federation service.
func (c *Client) Federations() oidc.FederationServiceClient {
	return oidc.NewFederationServiceClient(c.Conn())
}

// FederatedCredentials links service accounts to federations.
func (c *Client) FederatedCredentials() workload.FederatedCredentialServiceClient {
	return workload.NewFederatedCredentialServiceClient(c.Conn())
}

// Clusters is the Managed Kubernetes cluster service.
func (c *Client) Clusters() k8s.ClusterServiceClient { return k8s.NewClusterServiceClient(c.Conn()) }

// NodeGroups is the Managed Kubernetes node group service.
func (c *Client) NodeGroups() k8s.NodeGroupServiceClient {
	return k8s.NewNodeGroupServiceClient(c.Conn())
}

// Instances are Compute's virtual machines, which nodes are.
func (c *Client) Instances() compute.InstanceServiceClient {
	return compute.NewInstanceServiceClient(c.Conn())
}

// Versions lists the Kubernetes versions on offer.
func (c *Client) Versions() k8s.VersionServiceClient { return k8s.NewVersionServiceClient(c.Conn()) }

// Secrets is Lockbox's secret service.
func (c *Client) Secrets() lockbox.SecretServiceClient {
	return lockbox.NewSecretServiceClient(c.Conn())
}

// Payloads is Lockbox's payload service.
func (c *Client) Payloads() lockbox.PayloadServiceClient {
	return lockbox.NewPayloadServiceClient(c.Conn())
}

// SymmetricKeys is KMS's symmetric key service.
func (c *Client) SymmetricKeys() kms.SymmetricKeyServiceClient {
	return kms.NewSymmetricKeyServiceClient(c.Conn())
}

// Buckets is the object storage's bucket service.
func (c *Client) Buckets() storage.BucketServiceClient {
	return storage.NewBucketServiceClient(c.Conn())
}

// Networks is the VPC network service.
func (c *Client) Networks() vpc.NetworkServiceClient { return vpc.NewNetworkServiceClient(c.Conn()) }

// Subnets is the VPC subnet service.
func (c *Client) Subnets() vpc.SubnetServiceClient { return vpc.NewSubnetServiceClient(c.Conn()) }

// Gateways is the VPC gateway service.
func (c *Client) Gateways() vpc.GatewayServiceClient { return vpc.NewGatewayServiceClient(c.Conn()) }

// RouteTables is the VPC route table service.
func (c *Client) RouteTables() vpc.RouteTableServiceClient {
	return vpc.NewRouteTableServiceClient(c.Conn())
}

// SecurityGroups is the VPC security group service.
func (c *Client) SecurityGroups() vpc.SecurityGroupServiceClient {
	return vpc.NewSecurityGroupServiceClient(c.Conn())
}
