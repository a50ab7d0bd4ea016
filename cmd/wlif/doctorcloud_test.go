package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// missing runs the command over the patient's cloud, without this machine's part,
// and returns what it prints and the lines of what is missing.
func (p *patient) missing(extra ...string) (out string, missing []string) {
	p.t.Helper()
	_, stdout, stderr := command(p.t, append([]string{"doctor", "--folder-id", p.announce.FolderID, "--account", p.mock.World().Owner.ID}, extra...)...)
	for line := range strings.Lines(stdout) {
		// The suite is not beside a test's binary.
		if strings.HasPrefix(line, "MISSING") && !strings.HasPrefix(line, "MISSING  programs of the suite") {
			missing = append(missing, strings.TrimSpace(line))
		}
	}
	return stdout + stderr, missing
}

func TestDoctorFindsNothingMissingInACloudThatHasAll(t *testing.T) {
	w := newWard(t, clusterPlan{})
	w.seesQuotas()
	for title, args := range map[string][]string{
		"nothing is there yet":  {"--other-folder-id", w.announce.OtherFolderID},
		"a subnet of the user":  {"--subnet-id", w.subnet, "--network-id", w.cluster.GetNetworkId()},
		"a cluster of the user": {"--cluster", "existing", "--cluster-id", w.cluster.GetId()},
	} {
		out, missing := w.missing(args...)
		if len(missing) > 0 {
			t.Errorf("%s: %q in\n%s", title, missing, out)
		}
		for _, want := range []string{"is active", "ok       quota iam.oidcWLIFederations.count", "role k8s.editor", "forbids linking", "clock: agrees"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not said:\n%s", title, want, out)
			}
		}
	}
}

// Each mistake is planted alone in a cloud that has everything.
func TestDoctorFindsWhatIsMissingInTheCloud(t *testing.T) {
	for _, tc := range []struct {
		title string
		plan  *clusterPlan
		plant func(*ward)
		args  func(*ward) []string
		name  string
		fix   string
	}{
		{"billing account suspended", nil, func(w *ward) { w.set(func(s *settings.Settings) { s.BillingState = "SUSPENDED" }) }, nil, diagnose.BillingInactive, "ACTIVE or TRIAL_ACTIVE"},
		{"no federation more", nil, func(w *ward) { w.set(func(s *settings.Settings) { s.Quotas["iam.oidcWLIFederations.count"] = 1 }) }, nil, diagnose.QuotaUsedUp, "ask for more of iam.oidcWLIFederations.count"},
		{"no network more", nil, func(w *ward) { w.set(func(s *settings.Settings) { s.Quotas["vpc.networks.count"] = 0 }) }, nil, diagnose.QuotaUsedUp, "ask for more of vpc.networks.count"},
		{"a role is missing", nil, func(w *ward) { w.revoke("lockbox.editor", "lockbox.admin") }, nil, diagnose.RoleMissing, "--role lockbox.editor"},
		{"linking is forbidden", nil, func(w *ward) {
			op, err := w.client.Folders().BindAccessPolicy(w.t.Context(), forbidLinks(w.announce.FolderID))
			w.must(err)
			w.must(w.client.Wait(w.t.Context(), "bind", op, nil, nil))
		}, nil, diagnose.LinkForbidden, "unbind iam.denyServiceAccountFederatedCredentialsCreation"},
		{"the cloud's clock is ahead", nil, func(w *ward) { w.must(w.mock.Advance(2 * time.Minute)) }, nil, diagnose.ClockSkew, "timedatectl set-ntp true"},
		{"no token endpoint", nil, nil, func(*ward) []string { return []string{"--token-endpoint", "https://127.0.0.1:1/oauth/token"} }, diagnose.EndpointAway, "HTTPS_PROXY"},
		{"the subnet has no way out", &clusterPlan{closedSubnet: true}, nil, func(w *ward) []string {
			return []string{"--subnet-id", w.subnet, "--network-id", w.cluster.GetNetworkId()}
		}, diagnose.NoEgress, "NAT gateway"},
		{"the cluster's nodes have no federation", &clusterPlan{plainNodes: true}, nil, existing, diagnose.NodesPlain, "node-group update --id"},
		{"the cluster's keys are private", &clusterPlan{keysPrivate: true}, nil, existing, exchange.JWKSPrivate, "Let everybody read the JWKS"},
		{"another cloud", nil, nil, func(*ward) []string { return []string{"--cloud-id", "b1g00000000000000000"} }, "is in the cloud", "Set cloud_id to"},
		{"a version that is not offered", nil, nil, func(*ward) []string { return []string{"--k8s-version", "1.99"} }, "is not on offer in the release channel rapid", ""},
		{"an unknown folder", nil, nil, func(*ward) []string { return []string{"--other-folder-id", "b1g00000000000000000"} }, "looking up other_folder_id", ""},
	} {
		t.Run(tc.title, func(t *testing.T) {
			w := &ward{}
			if tc.plan != nil {
				w = newWard(t, *tc.plan)
			} else {
				w.patient = newPatient(t)
			}
			w.seesQuotas()
			if tc.plant != nil {
				tc.plant(w)
			}
			var args []string
			if tc.args != nil {
				args = tc.args(w)
			}
			out, missing := w.missing(args...)
			if len(missing) != 1 || !strings.Contains(missing[0], tc.name) || !strings.Contains(out, tc.fix) {
				t.Errorf("%q with %q is not the one thing that is missing, but %q:\n%s", tc.name, tc.fix, missing, out)
			}
		})
	}
}

// Without any one of the roles that README lists the doctor stops and names it, before
// anything is created.
func TestDoctorNamesEachRoleThatIsMissing(t *testing.T) {
	for _, role := range diagnose.Roles {
		t.Run(role.ID, func(t *testing.T) {
			p := newPatient(t)
			p.seesQuotas()
			held := append(slices.Clone(mockcloud.OwnerRoles), mockcloud.AreaRoles...)
			for _, id := range append([]string{role.ID}, role.In...) {
				if slices.Contains(held, id) {
					p.revoke(id)
				}
			}
			out, missing := p.missing()
			if len(missing) != 1 || !strings.Contains(missing[0], diagnose.RoleMissing) || !strings.Contains(out, "--role "+role.ID+" ") {
				t.Errorf("the role is not the one thing that is missing, but %q:\n%s", missing, out)
			}
		})
	}
}

func existing(w *ward) []string {
	return []string{"--cluster", "existing", "--cluster-id", w.cluster.GetId()}
}

// seesQuotas: a role on a folder does not show those of its cloud.
func (p *patient) seesQuotas() {
	p.t.Helper()
	owner := access.Delta{Role: "quota-manager.viewer", Subject: p.mock.World().Owner}
	_, err := p.mock.Bindings().Update(state.Ref{Type: "resource-manager.cloud", ID: p.mock.World().CloudID}, []access.Delta{owner}, time.Now().Add(-time.Hour), nil)
	p.must(err)
}

func (p *patient) set(change func(*settings.Settings)) { p.mock.Settings().Change(change) }

// revoke takes roles on the folder from the owner.
func (p *patient) revoke(roles ...string) {
	p.t.Helper()
	var deltas []access.Delta
	for _, role := range roles {
		deltas = append(deltas, access.Delta{Remove: true, Role: role, Subject: p.mock.World().Owner})
	}
	_, err := p.mock.Bindings().Update(state.Ref{Type: "resource-manager.folder", ID: p.announce.FolderID}, deltas, time.Now().Add(-time.Hour), nil)
	p.must(err)
}

// What cannot be looked at is said, and is not missing.
func TestDoctorSaysWhatItDoesNotSee(t *testing.T) {
	p := newPatient(t)
	var faults []settings.Fault
	for _, method := range []string{"billing.v1.BillingAccountService/List", "quotamanager.v1.QuotaLimitService/List", "resourcemanager.v1.FolderService/ListAccessBindings", "resourcemanager.v1.FolderService/ListAccessPolicyBindings"} {
		faults = append(faults, settings.Fault{Method: "yandex.cloud." + method, Code: "PERMISSION_DENIED"})
	}
	faults[2].Code = "INTERNAL" // who may not list roles is known to lack one
	p.set(func(s *settings.Settings) { s.Faults = faults })
	out, missing := p.missing()
	if len(missing) > 0 {
		t.Errorf("missing %q", missing)
	}
	for _, want := range []string{"unseen   billing account", "unseen   quotas of vpc", "unseen   roles", "unseen   access policies"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
}

// The doctor asks for what a run needs, and takes a role for another only if it
// includes it.
func TestRolesAreThoseOfARun(t *testing.T) {
	var asked []string
	for _, r := range diagnose.Roles {
		asked = append(asked, r.ID)
		for _, in := range r.In {
			for _, known := range access.Roles() {
				if known.ID != r.ID {
					continue
				}
				for _, permission := range known.Grants {
					if !access.Holds(in, permission) {
						t.Errorf("%s does not include %s: it lacks %s", in, r.ID, permission)
					}
				}
			}
		}
	}
	want := slices.Clone(mockcloud.OwnerRoles)
	slices.Sort(want)
	slices.Sort(asked)
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q, a run needs %q", asked, want)
	}
}

// An error's hint is what to do.
func TestDoctorPrintsHints(t *testing.T) {
	w := newWard(t, clusterPlan{plain: true})
	out, _ := w.missing(existing(w)...)
	if !strings.Contains(out, "What to do: yc managed-kubernetes cluster update") {
		t.Errorf("no hint:\n%s", out)
	}
}
