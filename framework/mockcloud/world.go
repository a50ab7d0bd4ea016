package mockcloud

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/resourcemanager"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// OwnerRoles are what the documentation demands of the account that a run uses,
// each on the folder. Every one of them is needed: a test takes one away at a
// time and sees the step that fails.
var OwnerRoles = []string{
	"k8s.editor",                                    // clusters and node groups
	"k8s.cluster-api.cluster-admin",                 // namespaces and pods in them
	"iam.serviceAccounts.user",                      // to give a cluster its service accounts
	"vpc.privateAdmin",                              // network, subnet, route table
	"vpc.publicAdmin",                               // NAT gateway, the cluster's public address
	"vpc.securityGroups.admin",                      // security group
	"iam.serviceAccounts.admin",                     // service accounts
	"iam.workloadIdentityFederations.editor",        // federation
	"iam.workloadIdentityFederations.user",          // to link a service account to it
	"iam.serviceAccounts.federatedCredentialEditor", // federated credential
	"lockbox.editor",                                // secret
	"resource-manager.admin",                        // role of the service account on the folder
}

// AreaRoles are what checks of single areas need of the account beside OwnerRoles,
// each on the folder; profile core runs without them.
var AreaRoles = []string{
	"lockbox.admin",                         // roles on a secret (access), reading payloads (access, secrets)
	"iam.workloadIdentityFederations.admin", // roles on a federation (federation)
	"compute.operator",                      // rebooting a node (issuer)
	"kms.admin",                             // a key for a secret (secrets)
	"storage.admin",                         // a public bucket for an issuer's keys (exchange, subjects, custom)
}

// World is what a mock cloud is born with.
type World struct {
	CloudID       string         `json:"cloud_id"`
	FolderID      string         `json:"folder_id"`
	OtherFolderID string         `json:"other_folder_id"`
	Owner         access.Subject `json:"owner"`
}

const (
	tokenFile = "user.token"
	// adminFile is for whoever runs a mock by hand and wants its admin port.
	adminFile = "admin.token"
	worldKey  = "world"
)

// found makes the cloud, its two folders and the user, or finds those of a
// former run in the state.
func (c *Cloud) found() error {
	worlds := state.NewRecords[World](c.kernel.Store, "mockcloud.world")
	if err := c.kernel.Store.Damaged(); err != nil {
		return err
	}
	file := filepath.Join(c.dir, tokenFile)
	if w, ok := worlds.Get(worldKey); ok {
		c.world = w
		raw, err := os.ReadFile(file) //nolint:gosec // G304: the mock's own folder
		if err != nil {
			return fmt.Errorf("the state is of a former run, but its user's token is gone: %w", err)
		}
		c.userToken = string(raw)
		return nil
	}
	c.world.CloudID = c.folders.AddCloud("mock")
	c.world.FolderID = c.folders.AddFolder(c.world.CloudID, "default")
	c.world.OtherFolderID = c.folders.AddFolder(c.world.CloudID, "other")
	c.userToken = "y0_" + rand.Text() + rand.Text()
	c.world.Owner = c.iam.AddUser("owner", c.userToken)
	for _, folder := range []string{c.world.FolderID, c.world.OtherFolderID} {
		if err := c.own(folder); err != nil {
			return err
		}
	}
	// Whoever pays may see that he can; a run does not depend on it.
	if err := c.grant(c.accounts.Account(), c.world.Owner, "billing.accounts.viewer"); err != nil {
		return err
	}
	// First the token: a world in the state must have one.
	if err := renameio.WriteFile(file, []byte(c.userToken), 0o600); err != nil {
		return fmt.Errorf("write the user's token: %w", err)
	}
	worlds.Put(worldKey, c.world)
	return nil
}

// AddFolder makes a folder in which the owner has what a run needs.
func (c *Cloud) AddFolder(name string) (id string, err error) {
	id = c.folders.AddFolder(c.world.CloudID, name)
	return id, c.own(id)
}

func (c *Cloud) own(folder string) error {
	return c.grant(state.Ref{Type: resourcemanager.KindFolder, ID: folder}, c.world.Owner, slices.Concat(OwnerRoles, AreaRoles)...)
}

func (c *Cloud) grant(on state.Ref, subject access.Subject, roles ...string) error {
	var deltas []access.Delta
	for _, role := range roles {
		deltas = append(deltas, access.Delta{Role: role, Subject: subject})
	}
	// What the world is born with has been seen everywhere long ago.
	born := c.kernel.Clock.Now().AddDate(0, -1, 0)
	_, err := c.kernel.Bindings.Update(on, deltas, born, nil)
	return err
}
