package access

import (
	"slices"
	"strings"
)

// Role is a named set of permissions. A permission is service.kind.verb; a part
// "*" in a role's list stands for any one part.
type Role struct {
	ID          string
	Description string
	Grants      []string
	Includes    []string
}

// roles as the documentation describes them (yandex.cloud/docs: "Roles" of each
// service). The names of the permissions are our own: the real ones are not public.
var roles = []Role{
	// primitive roles
	{ID: "viewer", Description: "View resources", Includes: []string{"resource-manager.viewer", "vpc.viewer", "k8s.viewer", "lockbox.viewer",
		"iam.viewer", "kms.viewer", "storage.viewer", "compute.viewer", "quota-manager.viewer"}},
	{ID: "editor", Description: "Manage resources", Includes: []string{"viewer", "resource-manager.editor", "vpc.privateAdmin", "vpc.gateways.editor", "k8s.editor",
		"lockbox.editor", "iam.editor", "kms.editor", "storage.editor", "compute.operator"}},
	{ID: "admin", Description: "Manage resources and access to them", Includes: []string{"editor", "resource-manager.admin", "vpc.admin", "k8s.admin",
		"lockbox.admin", "iam.admin", "kms.admin", "storage.admin", "k8s.cluster-api.cluster-admin"}},

	{ID: "resource-manager.viewer", Description: "View clouds, folders and their access bindings",
		Grants: []string{"resource-manager.clouds.get", "resource-manager.folders.get", "resource-manager.clouds.listAccessBindings", "resource-manager.folders.listAccessBindings"}},
	{ID: "resource-manager.editor", Description: "Manage clouds and folders", Includes: []string{"resource-manager.viewer"},
		Grants: []string{"resource-manager.clouds.update", "resource-manager.folders.create", "resource-manager.folders.update", "resource-manager.folders.delete"}},
	{ID: "resource-manager.admin", Description: "Manage clouds, folders and access to them", Includes: []string{"resource-manager.editor"},
		Grants: []string{"resource-manager.*.updateAccessBindings"}},

	{ID: "vpc.viewer", Description: "View networks and what is in them", Includes: []string{"see.folder"},
		Grants: []string{"vpc.*.get", "vpc.*.list"}},
	{ID: "vpc.user", Description: "Use networks", Includes: []string{"vpc.viewer"}, Grants: []string{"vpc.*.use"}},
	{ID: "vpc.privateAdmin", Description: "Manage networks, subnets and route tables", Includes: []string{"vpc.viewer"},
		Grants: []string{"vpc.networks.create", "vpc.networks.update", "vpc.networks.delete", "vpc.networks.use",
			"vpc.subnets.create", "vpc.subnets.update", "vpc.subnets.delete", "vpc.subnets.use",
			"vpc.routeTables.create", "vpc.routeTables.update", "vpc.routeTables.delete", "vpc.routeTables.use",
			"vpc.addresses.createInternal"}},
	{ID: "vpc.publicAdmin", Description: "Manage NAT gateways and public addresses", Includes: []string{"vpc.viewer"},
		Grants: []string{"vpc.gateways.create", "vpc.gateways.update", "vpc.gateways.delete", "vpc.gateways.use", "vpc.publicAccess.use",
			"vpc.addresses.create", "vpc.addresses.update", "vpc.addresses.delete"}},
	{ID: "vpc.gateways.user", Description: "Connect NAT gateways to route tables", Grants: []string{"vpc.gateways.get", "vpc.gateways.use"}},
	{ID: "vpc.gateways.editor", Description: "Manage NAT gateways",
		Grants: []string{"vpc.gateways.get", "vpc.gateways.list", "vpc.gateways.create", "vpc.gateways.update", "vpc.gateways.delete"}},
	{ID: "vpc.securityGroups.user", Description: "Use security groups", Grants: []string{"vpc.securityGroups.get", "vpc.securityGroups.list", "vpc.securityGroups.use"}},
	{ID: "vpc.securityGroups.admin", Description: "Manage security groups", Includes: []string{"vpc.securityGroups.user"},
		Grants: []string{"vpc.securityGroups.create", "vpc.securityGroups.update", "vpc.securityGroups.delete"}},
	{ID: "vpc.admin", Description: "Manage networks", Grants: []string{"vpc.*.*"}, Includes: []string{"see.folder"}},

	{ID: "k8s.viewer", Description: "View clusters and node groups", Includes: []string{"see.folder"},
		Grants: []string{"managed-kubernetes.*.get", "managed-kubernetes.*.list"}},
	{ID: "k8s.editor", Description: "Manage clusters and node groups", Includes: []string{"k8s.viewer"},
		Grants: []string{"managed-kubernetes.*.create", "managed-kubernetes.*.update", "managed-kubernetes.*.delete"}},
	{ID: "k8s.admin", Description: "Manage clusters and access to them", Includes: []string{"k8s.editor"},
		Grants: []string{"managed-kubernetes.*.listAccessBindings", "managed-kubernetes.*.updateAccessBindings"}},
	{ID: "k8s.clusters.agent", Description: "For the service account of a cluster", Grants: []string{"managed-kubernetes.agents.cluster", "vpc.*.get", "vpc.*.list", "vpc.subnets.use", "vpc.securityGroups.use"}},
	{ID: "k8s.tunnelClusters.agent", Description: "For the service account of a cluster in tunnel mode", Includes: []string{"k8s.clusters.agent"}},
	{ID: "k8s.cluster-api.viewer", Description: "View resources of the Kubernetes API", Grants: []string{"managed-kubernetes.api.view"}},
	{ID: "k8s.cluster-api.editor", Description: "Edit resources of the Kubernetes API", Grants: []string{"managed-kubernetes.api.edit"}},
	{ID: "k8s.cluster-api.cluster-admin", Description: "Every right in the Kubernetes API", Grants: []string{"managed-kubernetes.api.admin"}},
	{ID: "container-registry.images.puller", Description: "Pull images", Grants: []string{"container-registry.images.pull"}},

	{ID: "compute.viewer", Description: "View instances", Includes: []string{"see.folder"}, Grants: []string{"compute.instances.get"}},
	{ID: "compute.operator", Description: "Start, stop and restart instances", Includes: []string{"compute.viewer"}, Grants: []string{"compute.instances.restart"}},

	{ID: "lockbox.viewer", Description: "View secrets without their contents", Includes: []string{"see.folder"},
		Grants: []string{"lockbox.secrets.get", "lockbox.secrets.list", "lockbox.secrets.listAccessBindings"}},
	{ID: "lockbox.editor", Description: "Manage secrets", Includes: []string{"lockbox.viewer"},
		Grants: []string{"lockbox.secrets.create", "lockbox.secrets.update", "lockbox.secrets.delete"}},
	{ID: "lockbox.payloadViewer", Description: "View the contents of secrets", Grants: []string{"lockbox.payloads.get"}},
	{ID: "lockbox.admin", Description: "Manage secrets, their contents and access to them", Includes: []string{"lockbox.editor", "lockbox.payloadViewer"},
		Grants: []string{"lockbox.secrets.updateAccessBindings"}},

	{ID: "kms.viewer", Description: "View keys", Includes: []string{"see.folder"}, Grants: []string{"kms.keys.get", "kms.keys.list"}},
	{ID: "kms.editor", Description: "Manage keys", Includes: []string{"kms.viewer"}, Grants: []string{"kms.keys.create", "kms.keys.update"}},
	{ID: "kms.admin", Description: "Manage keys and access to them", Includes: []string{"kms.editor", "kms.keys.encrypterDecrypter"},
		Grants: []string{"kms.keys.delete", "kms.keys.listAccessBindings", "kms.keys.updateAccessBindings"}},
	{ID: "kms.keys.encrypter", Description: "Encrypt with keys", Grants: []string{"kms.keys.encrypt"}},
	{ID: "kms.keys.decrypter", Description: "Decrypt with keys", Grants: []string{"kms.keys.decrypt"}},
	{ID: "kms.keys.encrypterDecrypter", Description: "Encrypt and decrypt with keys", Includes: []string{"kms.keys.encrypter", "kms.keys.decrypter"}},

	{ID: "storage.viewer", Description: "Read buckets and objects", Includes: []string{"see.folder"}, Grants: []string{"storage.buckets.get", "storage.buckets.list", "storage.objects.get"}},
	{ID: "storage.uploader", Description: "Upload objects", Grants: []string{"storage.buckets.get", "storage.objects.put"}},
	{ID: "storage.configurer", Description: "Configure buckets", Grants: []string{"storage.buckets.get", "storage.buckets.list", "storage.buckets.update"}},
	{ID: "storage.editor", Description: "Manage buckets and objects", Includes: []string{"storage.viewer"},
		Grants: []string{"storage.buckets.create", "storage.buckets.update", "storage.buckets.delete", "storage.objects.put", "storage.objects.delete"}},
	{ID: "storage.admin", Description: "Manage storage", Grants: []string{"storage.*.*"}, Includes: []string{"see.folder"}},

	{ID: "iam.viewer", Description: "View service accounts and federations", Includes: []string{"iam.workloadIdentityFederations.viewer", "iam.serviceAccounts.federatedCredentialViewer", "see.folder"},
		Grants: []string{"iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.listAccessBindings", "iam.keys.get", "iam.keys.list", "iam.accessKeys.get", "iam.accessKeys.list"}},
	{ID: "iam.editor", Description: "Manage service accounts and their keys", Includes: []string{"iam.viewer", "iam.workloadIdentityFederations.editor"},
		Grants: []string{"iam.serviceAccounts.create", "iam.serviceAccounts.update", "iam.serviceAccounts.delete", "iam.keys.create", "iam.keys.update", "iam.keys.delete", "iam.accessKeys.create", "iam.accessKeys.delete"}},
	{ID: "iam.admin", Description: "Manage service accounts, federations and access to them",
		Includes: []string{"iam.editor", "iam.serviceAccounts.admin", "iam.serviceAccounts.user", "iam.workloadIdentityFederations.admin", "iam.serviceAccounts.federatedCredentialEditor"}},
	{ID: "iam.serviceAccounts.user", Description: "Use service accounts in other services", Grants: []string{"iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.use"}},
	{ID: "iam.serviceAccounts.admin", Description: "Manage service accounts, their keys and access to them", Includes: []string{"see.folder"},
		Grants: []string{"iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.create", "iam.serviceAccounts.update", "iam.serviceAccounts.delete",
			"iam.serviceAccounts.listAccessBindings", "iam.serviceAccounts.updateAccessBindings", "iam.keys.*", "iam.accessKeys.*", "iam.tokens.create"}},
	{ID: "iam.serviceAccounts.tokenCreator", Description: "Get IAM tokens for service accounts", Grants: []string{"iam.tokens.create"}},
	{ID: "iam.serviceAccounts.authorizedKeyAdmin", Description: "Manage authorized keys", Grants: []string{"iam.keys.*"}},
	{ID: "iam.serviceAccounts.accessKeyAdmin", Description: "Manage static access keys", Grants: []string{"iam.accessKeys.*"}},
	{ID: "iam.serviceAccounts.keyAdmin", Description: "Manage keys", Includes: []string{"iam.serviceAccounts.authorizedKeyAdmin", "iam.serviceAccounts.accessKeyAdmin"}},
	{ID: "iam.serviceAccounts.federatedCredentialViewer", Description: "View federated credentials", Grants: []string{"iam.federatedCredentials.get", "iam.federatedCredentials.list"}},
	{ID: "iam.serviceAccounts.federatedCredentialEditor", Description: "Manage federated credentials", Includes: []string{"iam.serviceAccounts.federatedCredentialViewer"},
		Grants: []string{"iam.federatedCredentials.create", "iam.federatedCredentials.delete"}},
	{ID: "iam.workloadIdentityFederations.auditor", Description: "View federations' metadata", Grants: []string{"iam.workloadIdentityFederations.get", "iam.workloadIdentityFederations.list", "iam.workloadIdentityFederations.listAccessBindings"}},
	{ID: "iam.workloadIdentityFederations.viewer", Description: "View federations", Includes: []string{"iam.workloadIdentityFederations.auditor"}},
	{ID: "iam.workloadIdentityFederations.user", Description: "Use federations", Grants: []string{"iam.workloadIdentityFederations.use"}},
	{ID: "iam.workloadIdentityFederations.editor", Description: "Manage federations", Includes: []string{"iam.workloadIdentityFederations.viewer"},
		Grants: []string{"iam.workloadIdentityFederations.create", "iam.workloadIdentityFederations.update", "iam.workloadIdentityFederations.delete"}},
	{ID: "iam.workloadIdentityFederations.admin", Description: "Manage federations and access to them", Includes: []string{"iam.workloadIdentityFederations.editor", "iam.workloadIdentityFederations.user"},
		Grants: []string{"iam.workloadIdentityFederations.updateAccessBindings"}},

	{ID: "billing.accounts.viewer", Description: "View billing accounts", Grants: []string{"billing.accounts.get", "billing.accounts.list"}},
	{ID: "quota-manager.viewer", Description: "View quotas", Includes: []string{"see.folder"}, Grants: []string{"quota-manager.quotas.get"}},

	// see.folder is no role of the cloud's: most documented roles allow to
	// "view information on the relevant folder".
	{ID: "see.folder", Grants: []string{"resource-manager.folders.get", "resource-manager.clouds.get", "quota-manager.quotas.get"}},
}

var byID = func() map[string]Role {
	m := make(map[string]Role, len(roles))
	for _, r := range roles {
		m[r.ID] = r
	}
	return m
}()

// Roles lists the roles a user can grant, in order of their ids.
func Roles() []Role {
	out := slices.DeleteFunc(slices.Clone(roles), func(r Role) bool { return r.ID == "see.folder" })
	slices.SortFunc(out, func(a, b Role) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Known says whether a role can be granted.
func Known(role string) bool {
	_, ok := byID[role]
	return ok && role != "see.folder"
}

// Holds says whether a role has a permission, by itself or by one it includes.
func Holds(role, permission string) bool {
	r := byID[role]
	return slices.ContainsFunc(r.Grants, func(g string) bool { return covers(g, permission) }) ||
		slices.ContainsFunc(r.Includes, func(in string) bool { return Holds(in, permission) })
}

func covers(grant, permission string) bool {
	g, p := strings.Split(grant, "."), strings.Split(permission, ".")
	if len(g) != len(p) {
		return false
	}
	for i := range g {
		if g[i] != "*" && g[i] != p[i] {
			return false
		}
	}
	return true
}
