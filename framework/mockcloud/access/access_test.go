package access

import (
	"regexp"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

var (
	user    = Subject{Type: UserAccount, ID: "aje-user"}
	account = Subject{Type: ServiceAccount, ID: "aje-account"}
)

func open(t *testing.T) *state.Store {
	t.Helper()
	s, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRolesHoldWhatTheirDocumentationSays(t *testing.T) {
	for _, x := range []struct {
		role, permission string
		want             bool
	}{
		{"lockbox.payloadViewer", "lockbox.payloads.get", true},
		{"lockbox.payloadViewer", "lockbox.secrets.get", false},
		{"lockbox.viewer", "lockbox.payloads.get", false},
		{"lockbox.editor", "lockbox.secrets.create", true},
		{"lockbox.editor", "lockbox.payloads.get", false},
		{"lockbox.admin", "lockbox.payloads.get", true},
		{"viewer", "lockbox.payloads.get", false},
		{"viewer", "vpc.networks.create", false},
		{"editor", "vpc.networks.create", true},
		{"editor", "lockbox.payloads.get", false},
		{"admin", "lockbox.payloads.get", true},
		{"vpc.privateAdmin", "vpc.gateways.create", false},
		{"vpc.publicAdmin", "vpc.gateways.create", true},
		{"vpc.privateAdmin", "vpc.securityGroups.create", false},
		{"iam.serviceAccounts.admin", "iam.serviceAccounts.use", false},
		{"iam.serviceAccounts.admin", "iam.federatedCredentials.create", false},
		{"iam.workloadIdentityFederations.editor", "iam.workloadIdentityFederations.use", false},
		{"kms.keys.encrypter", "kms.keys.decrypt", false},
		{"no.such.role", "lockbox.payloads.get", false},
	} {
		if got := Holds(x.role, x.permission); got != x.want {
			t.Errorf("%s holds %s: %v, want %v", x.role, x.permission, got, x.want)
		}
	}
}

func TestIncludedRolesExist(t *testing.T) {
	for _, r := range roles {
		for _, in := range r.Includes {
			if _, ok := byID[in]; !ok {
				t.Errorf("%s includes %s, which is no role", r.ID, in)
			}
		}
	}
	for _, r := range Roles() {
		if !Known(r.ID) || r.Description == "" {
			t.Errorf("role %s: known %v, description %q", r.ID, Known(r.ID), r.Description)
		}
	}
	if Known("see.folder") {
		t.Error("see.folder can be granted, but is no role of the cloud's")
	}
}

func TestTokens(t *testing.T) {
	tokens, now := NewTokens(open(t)), time.Unix(1_800_000_000, 0)
	token := tokens.Mint(account, now.Add(time.Hour))
	// docs: "IAM token", representation
	if !regexp.MustCompile(`^t1\.[A-Z0-9a-z_-]+[=]{0,2}\.[A-Z0-9a-z_-]{86}[=]{0,2}$`).MatchString(token) {
		t.Error("the token does not have the documented form")
	}
	if got, err := tokens.Read(token, now); err != nil || got != account {
		t.Errorf("read %v, %v", got, err)
	}
	if _, err := tokens.Read(token, now.Add(time.Hour)); err != ErrTokenExpired { //nolint:errorlint // the very value
		t.Errorf("at its expiry: %v", err)
	}
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		if got, err := tokens.Read(string(changed), now); err == nil && i != len(token)-1 {
			t.Fatalf("changed at %d: read as %v", i, got)
		}
	}
	if _, err := NewTokens(open(t)).Read(token, now); err == nil {
		t.Error("another cloud accepts the token")
	}
	if got, err := tokens.Revoke(token, now); err != nil || got != account {
		t.Errorf("revoke: %v, %v", got, err)
	}
	if _, err := tokens.Read(token, now); err != ErrTokenRevoked { //nolint:errorlint // the very value
		t.Errorf("revoked: %v", err)
	}
}

func FuzzReadToken(f *testing.F) {
	s, err := state.Open("")
	if err != nil {
		f.Fatal(err)
	}
	tokens := NewTokens(s)
	f.Add(tokens.Mint(user, time.Unix(2e9, 0)) + "x")
	f.Add("t1..")
	f.Add("t1.e30." + b64.EncodeToString(make([]byte, 64)))
	f.Fuzz(func(t *testing.T, token string) {
		// Nothing that was not minted is read: a fuzzer cannot make a MAC.
		if got, err := tokens.Read(token, time.Unix(0, 0)); err == nil {
			t.Errorf("read as %v", got)
		}
	})
}

func TestBindingsPropagate(t *testing.T) {
	s := open(t)
	folders := state.NewTable[*resourcemanager.Folder](s, "resource-manager.folder")
	secrets := state.NewTable[*lockbox.Secret](s, "lockbox.secret")
	if err := folders.Insert(&resourcemanager.Folder{Id: "f1"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := secrets.Insert(&lockbox.Secret{Id: "s1", FolderId: "f1"}, nil); err != nil {
		t.Fatal(err)
	}
	b, now := NewBindings(s), time.Unix(1_800_000_000, 0)
	d := NewDecider(b, s, func() time.Time { return now }, func() time.Duration { return 5 * time.Second }, func(string) bugs.Set { return nil })
	folder := state.Ref{Type: "resource-manager.folder", ID: "f1"}
	need := Need{Permission: "lockbox.payloads.get", On: state.Ref{Type: "lockbox.secret", ID: "s1"}}
	change := func(remove bool) []Delta {
		got, err := b.Update(folder, []Delta{{Remove: remove, Role: "lockbox.payloadViewer", Subject: account}}, now, nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	step := func(after time.Duration, want bool, what string) {
		t.Helper()
		now = now.Add(after)
		if got := d.Allowed(account, need); got != want {
			t.Errorf("%s: allowed %v, want %v", what, got, want)
		}
	}
	step(0, false, "before the grant")
	change(false)
	step(4*time.Second, false, "granted, not seen yet")
	step(time.Second, true, "granted and seen")
	if d.Allowed(user, need) {
		t.Error("another subject is allowed")
	}
	if got := change(false); len(got) != 0 {
		t.Errorf("granting again changed %v", got)
	}
	change(true)
	if len(b.List(folder)) != 0 {
		t.Error("a revoked binding is still listed")
	}
	step(4*time.Second, true, "revoked, not seen yet")
	step(time.Second, false, "revoked and seen")
}
