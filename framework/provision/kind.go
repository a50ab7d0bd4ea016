package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Kinds of resources, by the names that lists and ledgers use.
const (
	KindNetwork        = "vpc.network"
	KindGateway        = "vpc.gateway"
	KindRouteTable     = "vpc.routeTable"
	KindSubnet         = "vpc.subnet"
	KindSecurityGroup  = "vpc.securityGroup"
	KindServiceAccount = "iam.serviceAccount"
	KindAccessBinding  = "resource-manager.accessBinding"
	KindCluster        = "k8s.cluster"
	KindNodeGroup      = "k8s.nodeGroup"
	KindNamespace      = "kubernetes.namespace"
	KindKSA            = "kubernetes.serviceAccount"
	KindFederation     = "iam.federation"
	KindCredential     = "iam.federatedCredential"
	KindSecret         = "lockbox.secret"
	KindKMSKey         = "kms.symmetricKey"
	KindBucket         = "storage.bucket"
	KindLookup         = "lookup" // steps that only read
)

// Resource is something in the cloud, as a list shows it.
type Resource struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	// Name and Parent are as in Record.
	Name    string            `json:"name"`
	Folder  string            `json:"folder_id,omitempty"`
	Parent  string            `json:"parent,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Created time.Time         `json:"created_at,omitzero"`
}

// Leftover is a resource that should be gone.
type Leftover struct {
	Resource
	// Command deletes it by hand.
	Command string `json:"command"`
	// Reason says why it is still there, if that is known.
	Reason string `json:"reason,omitempty"`
}

func leftover(r Resource, reason string) Leftover {
	return Leftover{Resource: r, Command: kinds[r.Kind].command(r, r.Folder), Reason: reason}
}

// kind is what the package knows about one kind of resource.
type kind struct {
	// idField is the field of the create operation's metadata with the id.
	idField string
	// after lists the kinds whose resources must be gone before this kind's.
	after []string
	// deleteMethod is what deleting one calls, for its usual duration.
	deleteMethod string
	// list returns all of the folder's, whoever made them. Nil: see children.
	list func(ctx context.Context, c *cloud.Client, folder string) ([]Resource, error)
	// children returns those that hang on one service account; byFolder: in each
	// folder others.
	children func(ctx context.Context, c *cloud.Client, folder, parent string) ([]Resource, error)
	byFolder bool
	// optional kinds are made by few checks, and need roles that others do not.
	optional bool
	// operations lists what is being done with one. Nil: the cloud deletes it all the
	// same.
	operations func(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error)
	// empty makes one fit to be deleted. Nil: it is.
	empty func(ctx context.Context, m *remover, r Record) error
	// delete starts the deletion. Nil: a cluster's own (namespaces).
	delete func(ctx context.Context, c *cloud.Client, folder string, r Resource) (*operation.Operation, error)
	// charged is what of it the cloud charges for, by the names of the price table.
	charged []string
	// command is the yc command that deletes one.
	command func(r Resource, folder string) string
}

func yc(format string) func(Resource, string) string {
	return func(r Resource, _ string) string { return fmt.Sprintf("yc "+format+" delete %s", r.ID) }
}

// kinds is the table of everything that a run can create.
var kinds = map[string]kind{
	KindNetwork: {idField: "network_id", deleteMethod: "yandex.cloud.vpc.v1.NetworkService/Delete",
		after: []string{KindSubnet, KindRouteTable, KindSecurityGroup, KindCluster, KindNodeGroup},
		list:  listNetworks, operations: networkOperations, delete: deleteNetwork, command: yc("vpc network")},
	KindGateway: {idField: "gateway_id", deleteMethod: "yandex.cloud.vpc.v1.GatewayService/Delete",
		after: []string{KindRouteTable},
		list:  listGateways, operations: gatewayOperations, delete: deleteGateway, charged: []string{"gateway"}, command: yc("vpc gateway")},
	KindRouteTable: {idField: "route_table_id", deleteMethod: "yandex.cloud.vpc.v1.RouteTableService/Delete",
		after: []string{KindSubnet},
		list:  listRouteTables, operations: routeTableOperations, delete: deleteRouteTable, command: yc("vpc route-table")},
	KindSubnet: {idField: "subnet_id", deleteMethod: "yandex.cloud.vpc.v1.SubnetService/Delete",
		after: []string{KindCluster, KindNodeGroup},
		list:  listSubnets, operations: subnetOperations, delete: deleteSubnet, command: yc("vpc subnet")},
	KindSecurityGroup: {idField: "security_group_id", deleteMethod: "yandex.cloud.vpc.v1.SecurityGroupService/Delete",
		after: []string{KindCluster, KindNodeGroup},
		list:  listSecurityGroups, operations: securityGroupOperations, delete: deleteSecurityGroup, command: yc("vpc security-group")},
	KindServiceAccount: {idField: "service_account_id", deleteMethod: "yandex.cloud.iam.v1.ServiceAccountService/Delete",
		after: []string{KindAccessBinding, KindCredential, KindCluster, KindNodeGroup},
		list:  listServiceAccounts, delete: deleteServiceAccount, command: yc("iam service-account")},
	// The roles of the cluster's accounts are still needed while it is deleted.
	KindAccessBinding: {deleteMethod: "yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings",
		after:    []string{KindCluster, KindNodeGroup},
		children: listBindings, byFolder: true, delete: deleteBinding, command: bindingCommand},
	// Deleting a cluster takes its node groups along, but then a failure names the
	// cluster only, so they go first.
	KindCluster: {idField: "cluster_id", deleteMethod: "yandex.cloud.k8s.v1.ClusterService/Delete",
		after: []string{KindNodeGroup, KindNamespace, KindKSA},
		list:  listClusters, operations: clusterOperations, delete: deleteCluster, charged: []string{"master", "address"}, command: yc("managed-kubernetes cluster")},
	KindNodeGroup: {idField: "node_group_id", deleteMethod: "yandex.cloud.k8s.v1.NodeGroupService/Delete",
		after: []string{KindNamespace, KindKSA},
		list:  listNodeGroups, operations: nodeGroupOperations, delete: deleteNodeGroup, charged: []string{"cores", "memory", "disk"}, command: yc("managed-kubernetes node-group")},
	KindNamespace: {after: []string{KindKSA},
		command: func(r Resource, _ string) string { return "kubectl delete namespace " + r.Name }},
	KindKSA: {command: func(r Resource, _ string) string { return "kubectl delete serviceaccount " + r.Name }},
	KindFederation: {idField: "federation_id", deleteMethod: "yandex.cloud.iam.v1.workload.oidc.FederationService/Delete",
		after: []string{KindCredential},
		list:  listFederations, delete: deleteFederation, command: yc("iam workload-identity oidc federation")},
	KindCredential: {idField: "federated_credential_id", deleteMethod: "yandex.cloud.iam.v1.workload.FederatedCredentialService/Delete",
		children: listCredentials, delete: deleteCredential, command: yc("iam workload-identity federated-credential")},
	KindSecret: {idField: "secret_id", deleteMethod: "yandex.cloud.lockbox.v1.SecretService/Delete",
		list: listSecrets, delete: deleteSecret, charged: []string{"secret"}, command: yc("lockbox secret")},
	KindKMSKey: {idField: "key_id", deleteMethod: "yandex.cloud.kms.v1.SymmetricKeyService/Delete",
		after: []string{KindSecret}, optional: true,
		list: listKMSKeys, delete: deleteKMSKey, command: yc("kms symmetric-key")},
	KindBucket: {idField: "name", deleteMethod: methodDeleteBucket, optional: true,
		list: listBuckets, empty: emptyBucket, delete: deleteBucket, command: bucketCommand},
}

// Charged is what of a kind the cloud charges for, by the names of the price table.
func Charged(kind string) []string { return kinds[kind].charged }

// kindOrder is the order of kinds in lists: what hangs on other things first.
var kindOrder = []string{KindKSA, KindNamespace, KindBucket, KindSecret, KindKMSKey, KindCredential, KindFederation, KindNodeGroup, KindCluster,
	KindAccessBinding, KindServiceAccount, KindSubnet, KindSecurityGroup, KindRouteTable, KindGateway, KindNetwork}
