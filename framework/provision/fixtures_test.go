package provision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// What checks make for themselves is in the ledger, and gone when they ask for it
// or with the teardown, in whatever folder it is.
func TestFixtures(t *testing.T) {
	w := newWorld(t, nil)
	ctx, l := t.Context(), w.ledger()
	var made []string
	f := provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l}, func(id string) { made = append(made, id) })
	must := func(id string, err error) string {
		t.Helper()
		if err != nil || id == "" {
			t.Fatal(id, err)
		}
		return id
	}
	own := must(f.ServiceAccount(ctx, "own", ""))
	other := must(f.ServiceAccount(ctx, "other", w.announce.OtherFolderID))
	federation, err := f.Federation(ctx, "fed", provision.FederationSpec{Issuer: "https://i", JWKSURL: "https://i/jwks", Audiences: []string{"a", "b"}})
	if err != nil || federation.GetIssuer() != "https://i" || !slices.Equal(federation.GetAudiences(), []string{"a", "b"}) {
		t.Fatal(federation, err)
	}
	must(f.Link(ctx, own, federation.GetId(), "subject"))
	secret, err := f.Secret(ctx, "secret", provision.SecretSpec{Entries: []*lockbox.PayloadEntryChange{provision.TextEntry("k", "v")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []provision.On{{Kind: provision.OnFolder}, {Kind: provision.OnFolder, ID: w.announce.OtherFolderID}, {Kind: provision.OnSecret, ID: secret.GetId()}} {
		if err := f.Grant(ctx, own, "lockbox.payloadViewer", on); err != nil {
			t.Errorf("on %v: %v", on, err)
		}
	}
	if err := f.Revoke(ctx, own, "lockbox.payloadViewer", provision.On{Kind: provision.OnFolder}); err != nil {
		t.Error(err)
	}
	if err := f.Revoke(ctx, own, "lockbox.payloadViewer", provision.On{Kind: provision.OnFolder}); err == nil {
		t.Error("a role that nobody has was revoked")
	}
	// The mock lists a secret's version and the role on the secret, too.
	if want := 7; len(made) != want || len(l.Live()) != want-1 || len(w.inventory()) != want+1 {
		t.Fatalf("told of %d, in the ledger %d, in the cloud %q; want %d", len(made), len(l.Live()), w.inventory(), want)
	}
	for _, r := range w.inventory() {
		kind, name, _ := strings.Cut(r, " ")
		if hangs := []string{"binding", "iam.federatedCredential", "lockbox.version"}; !strings.HasPrefix(name, "wlif-"+l.Header().RunID) && !slices.Contains(hangs, kind) {
			t.Errorf("%s does not carry the run's name", r)
		}
	}

	// The account takes its credential and its role in the other folder along.
	if err := f.Delete(ctx, own); err != nil {
		t.Fatal(err)
	}
	if left := l.Live(); len(left) != 3 || left[0].ID != other {
		t.Errorf("left in the ledger: %+v", left)
	}
	if err := f.Delete(ctx, own, "nothing"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	left, err := provision.Inventory(ctx, w.client, []string{w.cfg.FolderID, w.announce.OtherFolderID}, l.Header().RunID)
	if err != nil || len(left) != 3 {
		t.Errorf("the inventory has %+v, error %v", left, err)
	}
	w.tornDown(l)
}

// A fixture that the cloud refuses leaves nothing, and says what was refused.
func TestRefusedFixture(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	f := provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l}, nil)
	_, err := f.Federation(t.Context(), "fed", provision.FederationSpec{JWKSURL: "https://i/jwks", Audiences: []string{"a"}})
	if cloud.ClassOf(err) != cloud.ClassInvalid || !strings.Contains(err.Error(), "iam.federation") || len(l.Live()) != 0 {
		t.Errorf("error %v, ledger %v", err, l.Live())
	}
	w.tornDown(l)
}

// A caller's own idempotency key is the one that is sent, so that the call can be
// made again.
func TestFederationByAnOwnRequest(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	f := provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l}, nil)
	ctx := cloud.WithIdempotencyKey(t.Context(), cloud.NewIdempotencyKey())
	req := &oidc.CreateFederationRequest{FolderId: w.cfg.FolderID, Name: f.Name("own"), Description: "d", Issuer: "https://i", JwksUrl: "https://i/jwks", Audiences: []string{"a"}}
	made, op, err := f.CreateFederation(ctx, req)
	if err != nil || made.GetDescription() != "d" || op.GetId() == "" {
		t.Fatal(made, op, err)
	}
	again, err := w.client.Federations().Create(ctx, req)
	if err != nil || again.GetId() != op.GetId() {
		t.Errorf("operation %s, not %s, %v", again.GetId(), op.GetId(), err)
	}
	w.tornDown(l)
}

// What another account makes is in the same ledger; what it may not make is not.
func TestFixturesOfAnotherAccount(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	f := provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l}, nil)
	account, err := f.ServiceAccount(t.Context(), "other", "")
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.client.IAMTokens().CreateForServiceAccount(t.Context(), &iam.CreateIamTokenForServiceAccountRequest{ServiceAccountId: account})
	if err != nil {
		t.Fatal(err)
	}
	client, err := cloud.Connect(t.Context(), cloud.Options{Endpoint: w.cfg.Endpoint, Credentials: config.Credentials{IAMToken: config.NewSecret(token.GetIamToken())}})
	if err != nil {
		t.Fatal(err)
	}
	other, spec := f.As(client), provision.FederationSpec{Issuer: "https://i", JWKSURL: "https://i/jwks", Audiences: []string{"a"}}
	if _, err := other.Federation(t.Context(), "refused", spec); cloud.ClassOf(err) != cloud.ClassPermission {
		t.Errorf("without a role: %v", err)
	}
	if err := f.Grant(t.Context(), account, "iam.workloadIdentityFederations.editor", provision.On{Kind: provision.OnFolder}); err != nil {
		t.Fatal(err)
	}
	made, err := other.Federation(t.Context(), "made", spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Delete(t.Context(), made.GetId(), account); err != nil || len(l.Live()) != 0 {
		t.Errorf("left %v, %v", l.Live(), err)
	}
	w.tornDown(l)
}

// A check's own cluster needs nothing of the target's, and leaves nothing.
func TestClusterOfACheck(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	var made []string
	f := provision.NewFixtures(provision.Options{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial}, func(id string) { made = append(made, id) })
	plain, err := f.Cluster(t.Context(), "plain", provision.ClusterSpec{Plain: true, Nodes: true})
	if err != nil || plain.ID == "" || plain.Issuer != "" || plain.NodeGroupID == "" {
		t.Fatalf("%+v, %v", plain, err)
	}
	federated, err := f.Cluster(t.Context(), "more", provision.ClusterSpec{})
	if err != nil || federated.Issuer == "" || federated.NodeGroupID != "" {
		t.Fatalf("%+v, %v", federated, err)
	}
	slices.Reverse(made)
	for _, id := range made {
		if err := f.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	w.nothingLeft()
	w.tornDown(l)
}
