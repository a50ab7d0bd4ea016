package mockcloud

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	iamsvc "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// TestRulesNameFieldsThatExist: a rule is data, and a misspelt field would refuse
// everybody (or, if it is optional, nobody).
func TestRulesNameFieldsThatExist(t *testing.T) {
	kinds := map[string]bool{}
	c := start(t)
	for _, s := range c.Services() {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(s.Desc.ServiceName))
		if err != nil {
			t.Fatal(err)
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for name, rule := range s.Rules {
			m := methods.ByName(protoreflect.Name(name))
			if m == nil {
				t.Errorf("%s has no method %s", s.Desc.ServiceName, name)
				continue
			}
			for _, need := range rule.Needs {
				kinds[need.Kind] = true
				if !kernel.HasField(m.Input(), need.Field) {
					t.Errorf("%s: %s has no field %s", m.FullName(), m.Input().FullName(), need.Field)
				}
				if !slices.ContainsFunc(access.Roles(), func(r access.Role) bool { return access.Holds(r.ID, need.Permission) }) {
					t.Errorf("%s: no role holds %s", m.FullName(), need.Permission)
				}
			}
		}
	}
	if len(kinds) < 10 {
		t.Errorf("only %d kinds of resources are guarded", len(kinds))
	}
}

// TestWhatHasARuleIsImplemented: an embedded Unimplemented server answers for a
// method that was given a rule and then forgotten. Its handler is called past the
// gate, which would refuse an empty request before.
func TestWhatHasARuleIsImplemented(t *testing.T) {
	for _, s := range start(t).Services() {
		for _, m := range s.Desc.Methods {
			if _, ok := s.Rules[m.MethodName]; ok && unimplemented(t, m, s.Impl) {
				t.Errorf("%s/%s has a rule, but is not implemented", s.Desc.ServiceName, m.MethodName)
			}
		}
	}
}

func unimplemented(t *testing.T, m grpc.MethodDesc, impl any) (is bool) {
	defer func() {
		if recover() != nil {
			is = false // something is there that expects a valid request
		}
	}()
	_, err := m.Handler(impl, t.Context(), func(any) error { return nil }, nil)
	return status.Code(err) == codes.Unimplemented
}

// TestMethodTable: the committed page says what is implemented.
func TestMethodTable(t *testing.T) {
	want, err := os.ReadFile("METHODS.md")
	if err != nil {
		t.Fatal(err)
	}
	drivers, err := KnownDrivers()
	if err != nil {
		t.Fatal(err)
	}
	if got := MethodTable(start(t).Services(), drivers); got != string(want) {
		t.Error("METHODS.md is stale: bin/wlif mock methods > framework/mockcloud/METHODS.md")
	}
}

// TestWhatIsLeftOutHasAReason: a method that a newer API brings is answered, or named.
func TestWhatIsLeftOutHasAReason(t *testing.T) {
	used := map[string]bool{}
	for _, s := range start(t).Services() {
		_, no := split(s.Desc, s.Rules)
		for _, method := range no {
			why := whyLeftOut(strings.TrimPrefix(s.Desc.ServiceName, "yandex.cloud.") + "/" + method)
			if used[why] = true; why == "" {
				t.Errorf("%s/%s is left out, and nobody has said why", s.Desc.ServiceName, method)
			}
		}
	}
	for _, l := range leftOut {
		if !used[l.why] {
			t.Errorf("nothing is left out because %s", l.why)
		}
	}
}

func (c *Cloud) dial(t *testing.T, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	tlsConfig := &tls.Config{RootCAs: c.authority.Pool(), MinVersion: tls.VersionTLS12}
	conn, err := grpc.NewClient(c.api.Addr().String(), append(opts, grpc.WithTransportCredentials(credentials.NewTLS(tlsConfig)))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestCallersThatAreRefused(t *testing.T) {
	c := start(t)
	owner := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	op, err := owner.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "gone"})
	account := must[*iamsvc.ServiceAccount](t, op, err)
	subject := access.Subject{Type: access.ServiceAccount, ID: account.Id}
	later := c.clock.Now().Add(time.Hour)
	revoked := c.kernel.Tokens.Mint(c.World().Owner, later)
	if _, err := c.kernel.Tokens.Revoke(revoked, c.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if op, err := owner.Delete(t.Context(), &iamsvc.DeleteServiceAccountRequest{ServiceAccountId: account.Id}); err != nil || op.GetError() != nil {
		t.Fatal(err, op.GetError())
	}
	for _, x := range []struct {
		name, authorization, reason string
		code                        codes.Code
	}{
		{"no token", "", "no-token", codes.Unauthenticated},
		{"another scheme", "Basic eDp5", "no-bearer", codes.Unauthenticated},
		{"not a token", "Bearer hello", "token:invalid", codes.Unauthenticated},
		{"null, as jq prints it", "Bearer null", "token:invalid", codes.Unauthenticated},
		{"expired", "Bearer " + c.kernel.Tokens.Mint(c.World().Owner, c.clock.Now()), "token:expired", codes.Unauthenticated},
		{"revoked", "Bearer " + revoked, "token:revoked", codes.Unauthenticated},
		{"of a deleted account", "Bearer " + c.kernel.Tokens.Mint(subject, later), "subject:deleted", codes.Unauthenticated},
	} {
		t.Run(x.name, func(t *testing.T) {
			ctx := t.Context()
			if x.authorization != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", x.authorization)
			}
			_, err := vpc.NewNetworkServiceClient(c.dial(t)).List(ctx, &vpc.ListNetworksRequest{FolderId: c.World().FolderID})
			if status.Code(err) != x.code {
				t.Errorf("answer %v, want %v", err, x.code)
			}
			c.wantReason(t, err, x.reason)
		})
	}
}

// wantReason finds the call in the audit log by the request id that its error
// carries.
func (c *Cloud) wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RequestInfo); ok {
			e, ok := c.Audit().ByRequest(info.RequestId)
			if !ok || e.Reason != reason {
				t.Errorf("audited reason %q, want %q", e.Reason, reason)
			}
			return
		}
	}
	t.Errorf("%v carries no request id", err)
}

func TestOrderOfRefusals(t *testing.T) {
	c := start(t)
	stranger := access.Subject{Type: access.UserAccount, ID: c.iam.AddUser("stranger", "y0_stranger").ID}
	federation := func(folder, name string) *oidc.CreateFederationRequest {
		return &oidc.CreateFederationRequest{FolderId: folder, Name: name, Issuer: "https://i", JwksUrl: "https://i/j", Audiences: []string{"a"}}
	}
	bad, good := federation(c.World().FolderID, "Not A Name"), federation(c.World().FolderID, "name")
	for _, x := range []struct {
		name, reason string
		caller       access.Subject
		req          *oidc.CreateFederationRequest
		code         codes.Code
	}{
		{"validation before rights", "validation:name", stranger, bad, codes.InvalidArgument},
		{"rights", "permission:iam.workloadIdentityFederations.create", stranger, good, codes.PermissionDenied},
		{"an unknown folder", "not-found:resource-manager.folder", c.World().Owner, federation("b1gnone", "name"), codes.NotFound},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := oidc.NewFederationServiceClient(c.as(t, x.caller)).Create(t.Context(), x.req)
			if status.Code(err) != x.code {
				t.Errorf("answer %v, want %v", err, x.code)
			}
			c.wantReason(t, err, x.reason)
		})
	}
}

func TestIdempotencyKey(t *testing.T) {
	c := start(t)
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	create := func(key, name string) (string, error) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", key)
		op, err := accounts.Create(ctx, &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: name})
		return op.GetId(), err
	}
	first, err := create("k1", "one")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := create("k1", "one"); err != nil || again != first {
		t.Errorf("the same key again: operation %q, error %v; want operation %q", again, err, first)
	}
	if _, err := create("k2", "one"); status.Code(err) != codes.AlreadyExists {
		t.Errorf("another key: %v, want ALREADY_EXISTS", err)
	}
	if n := len(c.Inventory()); n != 1 {
		t.Errorf("%d resources, want one", n)
	}
}

func TestFaults(t *testing.T) {
	const method = "yandex.cloud.iam.v1.ServiceAccountService/Create"
	c := start(t, func(o *Options) {
		o.Settings.Faults = []settings.Fault{
			{Method: method, Calls: 2, Code: "UNAVAILABLE", Message: "try later"},
			{Method: method, Calls: 1, Code: "INTERNAL", Message: "lost", After: true},
		}
	})
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	create := func(name string) error {
		_, err := accounts.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: name})
		return err
	}
	for i, x := range []struct {
		code codes.Code
		made int
	}{{codes.Unavailable, 0}, {codes.Unavailable, 0}, {codes.Internal, 1}, {codes.OK, 2}} {
		err := create([]string{"a-one", "a-two", "a-three", "a-four"}[i])
		if status.Code(err) != x.code || len(c.Inventory()) != x.made {
			t.Errorf("call %d: %v and %d resources, want %v and %d", i+1, err, len(c.Inventory()), x.code, x.made)
		}
	}
}

func TestQuota(t *testing.T) {
	c := start(t, func(o *Options) { o.Settings.Quotas["iam.oidcWLIFederations.count"] = 1 })
	federations := oidc.NewFederationServiceClient(c.as(t, c.World().Owner))
	create := func(name string) error {
		_, err := federations.Create(t.Context(), &oidc.CreateFederationRequest{FolderId: c.World().FolderID, Name: name,
			Issuer: "https://i", JwksUrl: "https://i/j", Audiences: []string{"a"}})
		return err
	}
	if err := create("one"); err != nil {
		t.Fatal(err)
	}
	err := create("two")
	if st := status.Convert(err); st.Code() != codes.ResourceExhausted || st.Message() != "Quota limit iam.oidcWLIFederations.count exceeded" {
		t.Errorf("answer %v", err)
	}
}

// TestRolesOfTheAccountThatRuns takes each of the documented roles away from the
// account and sees the call that it is for refused, and the others not.
func TestRolesOfTheAccountThatRuns(t *testing.T) {
	c := start(t)
	folder := state.Ref{Type: "resource-manager.folder", ID: c.World().FolderID}
	// Roles of single areas include others.
	for _, role := range AreaRoles {
		if _, err := c.Bindings().Update(folder, []access.Delta{{Remove: true, Role: role, Subject: c.World().Owner}}, c.clock.Now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	conn := c.as(t, c.World().Owner)
	op, err := iamsvc.NewServiceAccountServiceClient(conn).Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: folder.ID, Name: "sa-lockbox"})
	account := must[*iamsvc.ServiceAccount](t, op, err)
	op, err = oidc.NewFederationServiceClient(conn).Create(t.Context(), &oidc.CreateFederationRequest{FolderId: folder.ID, Name: "linked",
		Issuer: "https://i", JwksUrl: "https://i/j", Audiences: []string{"a"}})
	federation := must[*oidc.Federation](t, op, err)
	link := func(subject string) error {
		_, err := workload.NewFederatedCredentialServiceClient(conn).Create(t.Context(), &workload.CreateFederatedCredentialRequest{
			ServiceAccountId: account.Id, FederationId: federation.Id, ExternalSubjectId: subject})
		return err
	}
	calls := map[string]func(name string) error{
		"vpc.privateAdmin": func(name string) error {
			_, err := vpc.NewNetworkServiceClient(conn).Create(t.Context(), &vpc.CreateNetworkRequest{FolderId: folder.ID, Name: name})
			return err
		},
		"vpc.publicAdmin": func(name string) error {
			_, err := vpc.NewGatewayServiceClient(conn).Create(t.Context(), &vpc.CreateGatewayRequest{FolderId: folder.ID, Name: name,
				Gateway: &vpc.CreateGatewayRequest_SharedEgressGatewaySpec{SharedEgressGatewaySpec: &vpc.SharedEgressGatewaySpec{}}})
			return err
		},
		"iam.serviceAccounts.admin": func(name string) error {
			_, err := iamsvc.NewServiceAccountServiceClient(conn).Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: folder.ID, Name: name})
			return err
		},
		"iam.workloadIdentityFederations.editor": func(name string) error {
			_, err := oidc.NewFederationServiceClient(conn).Create(t.Context(), &oidc.CreateFederationRequest{FolderId: folder.ID, Name: name,
				Issuer: "https://i", JwksUrl: "https://i/j", Audiences: []string{"a"}})
			return err
		},
		"iam.workloadIdentityFederations.user":          link,
		"iam.serviceAccounts.federatedCredentialEditor": link,
		"lockbox.editor": func(name string) error {
			_, err := lockbox.NewSecretServiceClient(conn).Create(t.Context(), &lockbox.CreateSecretRequest{FolderId: folder.ID, Name: name})
			return err
		},
	}
	for role, call := range calls {
		t.Run(role, func(t *testing.T) {
			if err := call(fmt.Sprintf("with-%d", len(c.Inventory()))); err != nil {
				t.Fatalf("with the role: %v", err)
			}
			change := func(remove bool) {
				if _, err := c.Bindings().Update(folder, []access.Delta{{Remove: remove, Role: role, Subject: c.World().Owner}}, c.clock.Now(), nil); err != nil {
					t.Fatal(err)
				}
			}
			change(true)
			defer change(false)
			err := call("without-it")
			if st := status.Convert(err); st.Code() != codes.PermissionDenied || !strings.HasPrefix(st.Message(), "Permission to [") {
				t.Errorf("without the role: %v, want PERMISSION_DENIED", err)
			}
		})
	}
}

// TestAccountsOfTheOtherFolder: a role on one folder is none on the other.
func TestRoleOnOneFolderOnly(t *testing.T) {
	c := start(t)
	subject := c.iam.AddUser("half", "y0_half")
	if err := c.grant(onFolder(c.World().FolderID), subject, "vpc.privateAdmin"); err != nil {
		t.Fatal(err)
	}
	networks := vpc.NewNetworkServiceClient(c.as(t, subject))
	if _, err := networks.Create(t.Context(), &vpc.CreateNetworkRequest{FolderId: c.World().FolderID, Name: "mine"}); err != nil {
		t.Fatal(err)
	}
	_, err := networks.Create(t.Context(), &vpc.CreateNetworkRequest{FolderId: c.World().OtherFolderID, Name: "not-mine"})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("in the other folder: %v", err)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	options := func(o *Options) { o.Dir, o.StateFile = dir, dir+"/state.json" }
	c, err := Start(t.Context(), func() Options { var o Options; options(&o); return o }())
	if err != nil {
		t.Fatal(err)
	}
	op, err := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner)).Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "kept"})
	account := must[*iamsvc.ServiceAccount](t, op, err)
	before := c.Announcement()
	token := c.kernel.Tokens.Mint(c.World().Owner, c.clock.Now().Add(time.Hour))
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = start(t, options)
	if after := c.Announcement(); after.FolderID != before.FolderID || after.CAFile != before.CAFile {
		t.Errorf("the world is another one: %+v", after)
	}
	got, err := iamsvc.NewServiceAccountServiceClient(c.dial(t, grpc.WithPerRPCCredentials(bearer(token)))).Get(t.Context(), &iamsvc.GetServiceAccountRequest{ServiceAccountId: account.Id})
	if err != nil || got.Name != "kept" {
		t.Errorf("the account is %v (%v)", got, err)
	}
}
