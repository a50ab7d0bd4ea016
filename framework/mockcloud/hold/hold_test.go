package hold_test

import (
	"context"
	"errors"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
)

const method = "yandex.cloud.vpc.v1.NetworkService/Create"

// call makes one call and says whether it was executed; err is what it ended with.
func call(ctx context.Context, d *hold.Desk, method string, folders ...string) (executed bool, err error) {
	answered, err := d.Arrived(ctx, method, folders)
	if err != nil {
		return false, err
	}
	answered()
	return true, nil
}

func TestOnlyTheChosenCallWaits(t *testing.T) {
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			d := &hold.Desk{}
			if err := d.Choose(hold.Point{Folder: "f", Method: method, Call: 2, After: after}); err != nil {
				t.Fatal(err)
			}
			for _, other := range []struct{ method, folder string }{{method, "f"}, {method, "g"}, {"another", "f"}} {
				if executed, err := call(t.Context(), d, other.method, other.folder); !executed || err != nil {
					t.Errorf("%v: %t, %v", other, executed, err)
				}
			}
			executing := make(chan struct{})
			ended := make(chan error)
			go func() {
				answered, err := d.Arrived(t.Context(), method, []string{"g", "f"})
				close(executing)
				answered()
				ended <- err
			}()
			if after {
				<-executing
			}
			if err := d.Await(t.Context(), "f"); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				t.Error("the call did not wait:", err)
			case <-executing:
				if !after {
					t.Error("the call was executed")
				}
			default:
				if after {
					t.Error("the call was not executed")
				}
			}
			d.Release("f")
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if executed, err := call(t.Context(), d, method, "f"); !executed || err != nil {
				t.Errorf("the next: %t, %v", executed, err)
			}
		})
	}
}

// The call of a caller who died before its execution is never executed.
func TestTheCallOfADeadCallerIsNotExecuted(t *testing.T) {
	d := &hold.Desk{}
	if err := d.Choose(hold.Point{Folder: "f", Method: method, Call: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		executed, err := call(ctx, d, method, "f")
		if executed {
			t.Error("it was executed")
		}
		ended <- err
	}()
	if err := d.Await(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	die()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	d.Release("f")
	d.Release("f") // twice does no harm
}

func TestPointsThatCannotCome(t *testing.T) {
	d := &hold.Desk{}
	for _, p := range []hold.Point{{Method: method, Call: 1}, {Folder: "f", Call: 1}, {Folder: "f", Method: method}} {
		if d.Choose(p) == nil {
			t.Errorf("%+v was taken", p)
		}
	}
	if err := d.Await(t.Context(), "f"); !errors.Is(err, hold.ErrNoPoint) {
		t.Errorf("nothing chosen: %v", err)
	}
	if err := d.Choose(hold.Point{Folder: "f", Method: method, Call: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, give := context.WithCancel(t.Context())
	give()
	if err := d.Await(ctx, "f"); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
