package mockcloud

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// Each fault of a create is told apart by what the caller got and what was made.
func TestFaultsOfACreate(t *testing.T) {
	const method = "yandex.cloud.lockbox.v1.SecretService/Create"
	for name, tc := range map[string]struct {
		fault settings.Fault
		code  codes.Code // of the call
		made  int
		done  bool
		ends  codes.Code // of the operation
	}{
		"refused":          {settings.Fault{Code: "RESOURCE_EXHAUSTED", RetryAfter: settings.Duration(2 * time.Second)}, codes.ResourceExhausted, 0, false, 0},
		"answer lost":      {settings.Fault{Code: "INTERNAL", After: true}, codes.Internal, 1, false, 0},
		"reset":            {settings.Fault{Reset: true}, codes.Unavailable, 1, false, 0},
		"operation fails":  {settings.Fault{Code: "INTERNAL", Operation: settings.OperationFails}, codes.OK, 1, true, codes.Internal},
		"operation hangs":  {settings.Fault{Operation: settings.OperationNever}, codes.OK, 1, false, 0},
		"nothing is wrong": {settings.Fault{}, codes.OK, 1, true, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			tc.fault.Method, tc.fault.Calls = method, 1
			c.Settings().Change(func(s *settings.Settings) { s.Faults = []settings.Fault{tc.fault} })
			op, err := lockbox.NewSecretServiceClient(c.as(t, c.World().Owner)).Create(t.Context(), &lockbox.CreateSecretRequest{FolderId: c.World().FolderID, Name: "one"})
			if status.Code(err) != tc.code || len(c.Inventory()) != tc.made {
				t.Errorf("the caller got %v; there are %v", err, c.Inventory())
			}
			var told time.Duration
			for _, d := range status.Convert(err).Details() {
				if info, ok := d.(*errdetails.RetryInfo); ok {
					told = info.RetryDelay.AsDuration()
				}
			}
			if told != time.Duration(tc.fault.RetryAfter) {
				t.Errorf("told to wait %s", told)
			}
			if err == nil && (op.Done != tc.done || codes.Code(op.GetError().GetCode()) != tc.ends) {
				t.Errorf("operation %v", op)
			}
		})
	}
}

// An operation that never ends does so as it should have, when the fault is over.
func TestNeverEndsWithTheFault(t *testing.T) {
	const method = "yandex.cloud.lockbox.v1.SecretService/Create"
	c := start(t)
	c.Settings().Change(func(s *settings.Settings) {
		s.Faults = []settings.Fault{{Method: method, Operation: settings.OperationNever}}
	})
	conn := c.as(t, c.World().Owner)
	op, err := lockbox.NewSecretServiceClient(conn).Create(t.Context(), &lockbox.CreateSecretRequest{FolderId: c.World().FolderID, Name: "one"})
	if err != nil || op.Done {
		t.Fatalf("%v, %v", op, err)
	}
	c.Settings().Change(func(s *settings.Settings) { s.Leeway = 1 })
	if err := c.Settings().Patch([]byte(`{"leeway": "1s"}`)); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := c.kernel.Operations.Get(op.Id); got.Done {
		t.Error("it ended with a change of something else")
	}
	if err := c.Settings().Patch([]byte(`{"faults": []}`)); err != nil {
		t.Fatal(err)
	}
	for !op.Done {
		if op, err = operation.NewOperationServiceClient(conn).Get(t.Context(), &operation.GetOperationRequest{OperationId: op.Id}); err != nil {
			t.Fatal(err)
		}
	}
	if op.GetError() != nil || op.GetResponse() == nil {
		t.Errorf("it ended with %v", op)
	}
}
