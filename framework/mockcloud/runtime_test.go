package mockcloud

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	iamsvc "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	resourcemanagersvc "github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// TestOneIdempotencyKeyAtOnce: calls with one key that come together are one.
func TestOneIdempotencyKeyAtOnce(t *testing.T) {
	c := start(t)
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", "k1")
	var calls sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		calls.Go(func() {
			op, err := accounts.Create(ctx, &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "one"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = op.GetId()
		})
	}
	calls.Wait()
	if got := len(slices.Compact(slices.Sorted(slices.Values(ids)))); got != 1 || len(c.Inventory()) != 1 {
		t.Errorf("%d operations, %d resources; want one of each", got, len(c.Inventory()))
	}
}

// TestIdempotencyKeyOfARefusedCall: a call that started nothing leaves its key
// free, and a key is its caller's and its method's alone.
func TestIdempotencyKeyOfARefusedCall(t *testing.T) {
	c := start(t)
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", "k1")
	if _, err := accounts.Create(ctx, &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "BAD"}); status.Code(err) != codes.InvalidArgument {
		t.Fatalf("a bad name: %v", err)
	}
	op, err := accounts.Create(ctx, &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "good"})
	account := must[*iamsvc.ServiceAccount](t, op, err)
	deleted, err := accounts.Delete(ctx, &iamsvc.DeleteServiceAccountRequest{ServiceAccountId: account.Id})
	if err != nil || deleted.Id == op.Id {
		t.Errorf("another method with the same key: operation %q, %v", deleted.GetId(), err)
	}
	stranger := c.iam.AddUser("stranger", "y0_stranger")
	_, err = iamsvc.NewServiceAccountServiceClient(c.as(t, stranger)).Create(ctx, &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "good"})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("another caller with the same key: %v", err)
	}
}

// port calls the admin port.
func (c *Cloud) port(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	a := c.Announcement()
	req, err := http.NewRequestWithContext(t.Context(), method, a.Admin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.AdminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// TestSettingsAtRunTime: what the admin port sets holds for the next call.
func TestSettingsAtRunTime(t *testing.T) {
	c := start(t)
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	create := func(name string) error {
		_, err := accounts.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: name})
		return err
	}
	set := func(method, path, body string) {
		t.Helper()
		if status, text := c.port(t, method, path, body); status != http.StatusNoContent {
			t.Fatalf("%s %s: status %d, %s", method, path, status, text)
		}
	}
	set(http.MethodPatch, "/settings", `{"quotas":{"iam.serviceAccounts.count":1}}`)
	if err := create("first"); err != nil {
		t.Fatal(err)
	}
	if err := create("second"); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("over the quota: %v", err)
	}
	set(http.MethodPatch, "/settings", `{"quotas":{"iam.serviceAccounts.count":9},"latencies":{"*":"1h"}}`)
	op, err := accounts.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: "slow"})
	if err != nil || op.Done {
		t.Errorf("an operation of an hour: %v, %v", op, err)
	}
	set(http.MethodPost, "/faults", `[{"method":"yandex.cloud.iam.v1.ServiceAccountService/Create","code":"UNAVAILABLE","calls":1,"message":"later"}]`)
	if err := create("unlucky"); status.Code(err) != codes.Unavailable {
		t.Errorf("with a fault: %v", err)
	}
	if err := create("lucky"); err != nil {
		t.Errorf("after the fault: %v", err)
	}
	set(http.MethodPost, "/clock", `{"advance":"13h"}`)
	if err := create("late"); status.Code(err) != codes.Unauthenticated {
		t.Errorf("13 hours later: %v, want an expired token", err)
	}
	if status, text := c.port(t, http.MethodGet, "/inventory", ""); status != http.StatusOK || !strings.Contains(text, `"name":"lucky"`) || strings.Contains(text, `"unlucky"`) {
		t.Errorf("the inventory: status %d, %s", status, text)
	}
	if status, text := c.port(t, http.MethodPost, "/shutdown", ""); status != http.StatusAccepted {
		t.Errorf("shutdown: status %d, %s", status, text)
	}
	<-c.Done()
}

// TestAClockThatWasGiven cannot be moved from outside, and says so.
func TestAClockThatWasGiven(t *testing.T) {
	c := start(t, func(o *Options) { o.Clock = clocktesting.NewFakeClock(time.Unix(1, 0)) })
	if status, text := c.port(t, http.MethodPost, "/clock", `{"advance":"1h"}`); status != http.StatusBadRequest || !strings.Contains(text, "clock") {
		t.Errorf("status %d, %s", status, text)
	}
}

// TestPagesOverTheWire reads a list page by page while deleting what it has read,
// as a sweep does.
func TestPagesOverTheWire(t *testing.T) {
	c := start(t)
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	for i := range 7 {
		op, err := accounts.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: fmt.Sprint("account-", i)})
		must[*iamsvc.ServiceAccount](t, op, err)
	}
	req := &iamsvc.ListServiceAccountsRequest{FolderId: c.World().FolderID, PageSize: 3}
	for pages := 1; ; pages++ {
		page, err := accounts.List(t.Context(), req)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, a := range page.ServiceAccounts {
			if _, err := accounts.Delete(t.Context(), &iamsvc.DeleteServiceAccountRequest{ServiceAccountId: a.Id}); err != nil {
				t.Error(err)
			}
		}
		if req.PageToken = page.NextPageToken; req.PageToken == "" {
			break
		}
	}
	if left := c.Inventory(); len(left) != 0 {
		t.Errorf("%d accounts were never on a page", len(left))
	}
	req.PageToken = "bogus"
	if _, err := accounts.List(t.Context(), req); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a bogus token: %v", err)
	}
}

// TestAccessBindingsQuota: the cloud's quota holds for setting bindings as it does
// for adding one.
func TestAccessBindingsQuota(t *testing.T) {
	c := start(t)
	folders := resourcemanagersvc.NewFolderServiceClient(c.as(t, c.World().Owner))
	have := c.kernel.Bindings.List(onFolder(c.World().OtherFolderID))
	req := &accesspb.SetAccessBindingsRequest{ResourceId: c.World().OtherFolderID}
	for _, b := range have {
		req.AccessBindings = append(req.AccessBindings, &accesspb.AccessBinding{RoleId: b.Role, Subject: &accesspb.Subject{Type: b.Subject.Type, Id: b.Subject.ID}})
	}
	c.Settings().Change(func(s *settings.Settings) { s.Quotas["iam.accessBindings.count"] = int64(c.kernel.Bindings.Count()) })
	if _, err := folders.SetAccessBindings(t.Context(), req); err != nil {
		t.Errorf("as many as before: %v", err)
	}
	more := proto.CloneOf(req)
	more.AccessBindings = append(more.AccessBindings, &accesspb.AccessBinding{RoleId: "viewer", Subject: req.AccessBindings[0].Subject})
	if _, err := folders.SetAccessBindings(t.Context(), more); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("one more: %v", err)
	}
}

// TestAnAccountCannotTakeAnothersName, not even in another folder of the cloud.
func TestAnAccountCannotTakeAnothersName(t *testing.T) {
	c := start(t)
	accounts := iamsvc.NewServiceAccountServiceClient(c.as(t, c.World().Owner))
	var last *iamsvc.ServiceAccount
	for _, name := range []string{"one", "two"} {
		op, err := accounts.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().FolderID, Name: name})
		last = must[*iamsvc.ServiceAccount](t, op, err)
	}
	if _, err := accounts.Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: c.World().OtherFolderID, Name: "one"}); status.Code(err) != codes.AlreadyExists {
		t.Errorf("the name in the other folder: %v", err)
	}
	for name, want := range map[string]codes.Code{"one": codes.AlreadyExists, "two": codes.OK} {
		_, err := accounts.Update(t.Context(), &iamsvc.UpdateServiceAccountRequest{ServiceAccountId: last.Id, Name: name, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}})
		if status.Code(err) != want {
			t.Errorf("renamed to %s: %v", name, err)
		}
	}
}
