package mockcloud

import (
	"context"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gate"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
)

// A caller who dies while his call waits has made nothing before the execution, and
// a resource after it; both in the one folder alone.
func TestCallerDiesWhileHisCallWaits(t *testing.T) {
	const method = "yandex.cloud.lockbox.v1.SecretService/Create"
	for name, tc := range map[string]struct {
		after bool
		made  int
	}{"before": {false, 0}, "after": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			folder, err := c.AddFolder("more")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Holds().Choose(hold.Point{Folder: folder, Method: method, Call: 1, After: tc.after}); err != nil {
				t.Fatal(err)
			}
			secrets := lockbox.NewSecretServiceClient(c.as(t, c.World().Owner))
			if _, err := secrets.Create(t.Context(), &lockbox.CreateSecretRequest{FolderId: c.World().FolderID, Name: "elsewhere"}); err != nil {
				t.Error("a call in another folder:", err)
			}
			ctx, die := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				_, err := secrets.Create(ctx, &lockbox.CreateSecretRequest{FolderId: folder, Name: "one"})
				ended <- err
			}()
			if err := c.Holds().Await(t.Context(), folder); err != nil {
				t.Fatal(err)
			}
			die()
			if err := <-ended; status.Code(err) != codes.Canceled {
				t.Errorf("the caller got %v", err)
			}
			// Whatever the mock still does for him is over when it has closed.
			c.grpc.GracefulStop()
			if resources, _ := c.InFolder(folder, c.Inventory(), c.Granted()); len(resources) != tc.made {
				t.Errorf("there are %v", resources)
			}
			if all := c.Inventory(); len(all) != tc.made+2 { // the folder and what is elsewhere
				t.Errorf("in all there are %v", all)
			}
		})
	}
}

// What mutates starts an operation; everything else only looks.
func TestMutatingMethods(t *testing.T) {
	c := start(t)
	mutating := 0
	for _, s := range c.Services() {
		for method := range s.Rules {
			full := s.Desc.ServiceName + "/" + method
			looks := strings.HasPrefix(method, "Get") || strings.HasPrefix(method, "List") || s.Desc.ServiceName == "yandex.cloud.operation.OperationService"
			if gate.Mutates(full) && looks {
				t.Errorf("%s mutates", full)
			}
			if (strings.HasPrefix(method, "Delete") || strings.HasSuffix(method, "AccessBindings") && !looks) && !gate.Mutates(full) {
				t.Errorf("%s does not mutate", full)
			}
			if gate.Mutates(full) {
				mutating++
			}
		}
	}
	if mutating < 30 || gate.Mutates("storage/GetObject") || gate.Mutates("yandex.cloud.operation.OperationService/Cancel") {
		t.Errorf("%d methods mutate", mutating)
	}
}
