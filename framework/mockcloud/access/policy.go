package access

import (
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// policy is how a right is found.
type policy struct {
	// free are the permissions that everybody has.
	free []string
	// where are the resources whose bindings count for a need, of a chain that
	// leads from its resource to the cloud.
	where func(d *Decider, chain []state.Ref, permission string) []state.Ref
	// inForce says whether a binding counts now, when a change takes delay to be seen.
	inForce func(b Binding, now time.Time, delay time.Duration) bool
	// same says whether a binding of one subject is also another's.
	same func(bound, caller Subject) bool
	// holds says whether a role has a permission.
	holds func(role, permission string) bool
}

func strict() policy {
	return policy{
		where: func(_ *Decider, chain []state.Ref, _ string) []state.Ref { return chain },
		inForce: func(b Binding, now time.Time, delay time.Duration) bool {
			return granted(b, now, delay) && !revoked(b, now, delay)
		},
		same:  func(bound, caller Subject) bool { return bound == caller },
		holds: Holds,
	}
}

func granted(b Binding, now time.Time, delay time.Duration) bool {
	return !b.Granted.Add(delay).After(now)
}

func revoked(b Binding, now time.Time, delay time.Duration) bool {
	return !b.Revoked.IsZero() && !b.Revoked.Add(delay).After(now)
}

const (
	readPayload = "lockbox.payloads.get"
	kindSecret  = "lockbox.secret"
	kindFolder  = "resource-manager.folder"
	kindLinked  = "iam.workloadIdentityFederation"
)

// deviations are the bugs that act where rights are found.
var deviations = map[string]func(*policy){
	"PayloadNeedsNoRole":          free(readPayload),
	"KMSRoleNotNeeded":            free("kms.keys.decrypt"),
	"LinkNeedsNoRoleOnAccount":    free("iam.federatedCredentials.create"),
	"LinkNeedsNoRoleOnFederation": free("iam.workloadIdentityFederations.use"),
	"RoleOnOtherFolderCounts":     func(p *policy) { p.where = everyFolder },
	"RoleOnSecretIgnored":         without(func(on state.Ref, _ string) bool { return on.Type == kindSecret }),
	"RoleOnFolderNotInherited":    without(func(on state.Ref, permission string) bool { return permission == readPayload && on.Type != kindSecret }),
	"FederationBindingsHaveNoUse": without(func(on state.Ref, _ string) bool { return on.Type == kindLinked }),
	"RevokedRoleCounts":           func(p *policy) { p.inForce = granted },
	"GrantNeverPropagates":        func(p *policy) { p.inForce = ofOld },
	"RolesOfOtherAccountsCount":   func(p *policy) { p.same = func(bound, caller Subject) bool { return bound.Type == caller.Type } },
	"AnyRoleSuffices":             func(p *policy) { p.holds = func(string, string) bool { return true } },
	"ViewerMayWrite":              func(p *policy) { p.holds = viewersMayAll },
}

func free(permission string) func(*policy) {
	return func(p *policy) { p.free = append(p.free, permission) }
}

// everyFolder adds all folders of the cloud.
func everyFolder(d *Decider, chain []state.Ref, _ string) []state.Ref {
	out := slices.Clone(chain)
	for _, k := range d.bindings.records.Keys() {
		if kind, id, _ := strings.Cut(k, "/"); kind == kindFolder {
			out = append(out, state.Ref{Type: kind, ID: id})
		}
	}
	return out
}

// without leaves resources of the chain out.
func without(left func(on state.Ref, permission string) bool) func(*policy) {
	return func(p *policy) {
		p.where = func(_ *Decider, chain []state.Ref, permission string) []state.Ref {
			return slices.DeleteFunc(slices.Clone(chain), func(on state.Ref) bool { return left(on, permission) })
		}
	}
}

// ofOld: bindings count that were there a week ago; what was granted since has
// not got about.
func ofOld(b Binding, now time.Time, delay time.Duration) bool {
	return granted(b, now, 7*24*time.Hour) && !revoked(b, now, delay)
}

// viewersMayAll: who may look at what a service holds may also change it.
func viewersMayAll(role, permission string) bool {
	service, _, _ := strings.Cut(permission, ".")
	return Holds(role, permission) || strings.HasPrefix(role, service+".") && strings.HasSuffix(strings.ToLower(role), "viewer")
}

// policyFor is the policy for a resource: that of the folder that it lies in.
func (d *Decider) policyFor(chain []state.Ref) policy {
	p := strict()
	for _, ref := range chain {
		if ref.Type == kindFolder {
			bugs.Apply(d.bugs(ref.ID), deviations, &p)
		}
	}
	return p
}
