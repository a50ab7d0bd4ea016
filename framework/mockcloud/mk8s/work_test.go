package mk8s_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/types/known/emptypb"
)

func TestTheEnginesWorkIsSummedUp(t *testing.T) {
	c := start(t, true)
	for range 2 {
		row := c.create(nil)
		op, err := c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: row.Id})
		done[*emptypb.Empty](c, op, err)
	}
	work := c.k8s.Work(t.Context())
	if work.Engine != "fake" || !slices.Equal(work.Host, []string{"a fact"}) || len(work.Steps) != 2 {
		t.Fatalf("the work is %+v", work)
	}
	for i, what := range []string{"start a cluster", "delete a cluster"} {
		if s := work.Steps[i]; s.What != what || s.Times != 2 || s.Took <= 0 {
			t.Errorf("step %d is %+v, want %s twice", i, s, what)
		}
	}
}

func TestLogsOfEveryCluster(t *testing.T) {
	c := start(t, true)
	dir := t.TempDir()
	row := c.create(nil)
	if err := c.k8s.CollectLogs(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, row.Id, "log")); err != nil || string(got) != "of "+row.Id {
		t.Errorf("the log is %q (%v)", got, err)
	}
	c.engine.failNext("logs")
	if err := c.k8s.CollectLogs(t.Context(), dir); !errors.Is(err, errFake) {
		t.Errorf("logs that cannot be had: %v", err)
	}
}
