package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// given is a step that looks a resource of the user's own up where a run would create
// one. key is the configuration key that names it. It is never changed and never deleted.
func given[R any](p *plan, s Step, key, id, method string, get func(ctx context.Context) (R, error), keep func(R) error) Step {
	p.target.Given = append(p.target.Given, s.Name)
	found := p.lookup(s.Name, method, func(ctx context.Context) (string, error) {
		r, err := get(ctx)
		if err != nil {
			return "", cloud.While(err, "looking up "+key+" "+id)
		}
		if err := keep(r); err != nil {
			return "", fmt.Errorf("looking up %s %s: %w", key, id, err)
		}
		return id, nil
	})
	found.Needs = s.Needs
	return found
}

func (p *plan) givenNetwork() Step {
	id := p.cfg.NetworkID
	return given(p, Step{Name: StepNetwork}, "network_id", id, "yandex.cloud.vpc.v1.NetworkService/Get",
		func(ctx context.Context) (*vpc.Network, error) {
			return p.client().Networks().Get(ctx, &vpc.GetNetworkRequest{NetworkId: id})
		},
		func(n *vpc.Network) error { p.target.NetworkID = n.GetId(); return nil })
}

func (p *plan) givenSubnet() Step {
	id := p.cfg.SubnetID
	return given(p, Step{Name: StepSubnet}, "subnet_id", id, "yandex.cloud.vpc.v1.SubnetService/Get",
		func(ctx context.Context) (*vpc.Subnet, error) {
			return p.client().Subnets().Get(ctx, &vpc.GetSubnetRequest{SubnetId: id})
		},
		func(s *vpc.Subnet) error {
			if p.cfg.NetworkID != "" && p.cfg.NetworkID != s.GetNetworkId() {
				return fmt.Errorf("it is in network %s, not in network_id %s", s.GetNetworkId(), p.cfg.NetworkID)
			}
			p.target.SubnetID, p.target.NetworkID, p.zone = s.GetId(), s.GetNetworkId(), s.GetZoneId()
			return nil
		})
}

func (p *plan) givenSecurityGroup(network string) Step {
	id := p.cfg.SecurityGroupID
	return given(p, Step{Name: StepSecurityGroup, Needs: []string{network}}, "security_group_id", id, "yandex.cloud.vpc.v1.SecurityGroupService/Get",
		func(ctx context.Context) (*vpc.SecurityGroup, error) {
			return p.client().SecurityGroups().Get(ctx, &vpc.GetSecurityGroupRequest{SecurityGroupId: id})
		},
		func(g *vpc.SecurityGroup) error {
			if g.GetNetworkId() != p.target.NetworkID {
				return fmt.Errorf("it is in network %s, and the nodes are in %s", g.GetNetworkId(), p.target.NetworkID)
			}
			p.target.SecurityGroupID = g.GetId()
			return nil
		})
}

// givenAccount finds a service account. Its roles are the user's affair: they may come
// from a group, or from the cloud or the organization.
func (p *plan) givenAccount(step, key, id string, keep func(*iam.ServiceAccount)) Step {
	return given(p, Step{Name: step}, key, id, "yandex.cloud.iam.v1.ServiceAccountService/Get",
		func(ctx context.Context) (*iam.ServiceAccount, error) {
			return p.client().ServiceAccounts().Get(ctx, &iam.GetServiceAccountRequest{ServiceAccountId: id})
		},
		func(a *iam.ServiceAccount) error { keep(a); return nil })
}

// givenRole demands what the tutorial demands of the account of the pods.
func (p *plan) givenRole() Step {
	account := p.cfg.ServiceAccountID
	s := p.lookup(StepRole, "yandex.cloud.resourcemanager.v1.FolderService/ListAccessBindings", func(ctx context.Context) (string, error) {
		bound, err := listBindings(ctx, p.client(), p.b.folder, account)
		if err != nil {
			return "", err
		}
		if !slices.ContainsFunc(bound, func(r Resource) bool { return r.Name == RolePayloadViewer }) {
			return "", fmt.Errorf("looking up service_account_id %[1]s: it has no %[2]s on folder %[3]s; "+
				"yc resource-manager folder add-access-binding %[3]s --role %[2]s --subject serviceAccount:%[1]s gives it", account, RolePayloadViewer, p.b.folder)
		}
		return bindingID(RolePayloadViewer, account), nil
	})
	s.Needs = []string{StepServiceAccount}
	return s
}

// givenFederation finds a federation. Whether it fits the cluster is for the checks to say.
func (p *plan) givenFederation() Step {
	id := p.cfg.FederationID
	return given(p, Step{Name: StepFederation}, "federation_id", id, "yandex.cloud.iam.v1.workload.oidc.FederationService/Get",
		func(ctx context.Context) (*oidc.Federation, error) {
			return p.client().Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: id})
		},
		func(f *oidc.Federation) error {
			p.target.FederationID, p.target.FederationName = f.GetId(), f.GetName()
			return nil
		})
}

func (p *plan) givenSecret() Step {
	id := p.cfg.SecretID
	return given(p, Step{Name: StepSecret}, "secret_id", id, "yandex.cloud.lockbox.v1.SecretService/Get",
		func(ctx context.Context) (*lockbox.Secret, error) {
			return p.client().Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: id})
		},
		func(s *lockbox.Secret) error {
			if len(s.GetCurrentVersion().GetPayloadEntryKeys()) == 0 {
				return errors.New("it has no current version with entries")
			}
			p.target.SecretID, p.target.SecretName, p.target.SecretVersionID = s.GetId(), s.GetName(), s.GetCurrentVersion().GetId()
			return nil
		})
}
