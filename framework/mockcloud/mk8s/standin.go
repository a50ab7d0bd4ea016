package mk8s

import (
	"context"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// standIn is a cluster on paper that has another one's API, keys and nodes. Ending
// it does not end that one.
type standIn struct {
	paperCluster
	real localcluster.Cluster
}

func (c *standIn) Endpoint() string                         { return c.real.Endpoint() }
func (c *standIn) InternalEndpoint() string                 { return c.real.InternalEndpoint() }
func (c *standIn) CA() []byte                               { return c.real.CA() }
func (c *standIn) Version() string                          { return c.real.Version() }
func (c *standIn) Admin() *rest.Config                      { return nil } // it was set up when it was made
func (c *standIn) JWKS(ctx context.Context) ([]byte, error) { return c.real.JWKS(ctx) }

// standInOf finds the running cluster that stands in for those of a folder.
func (s *Service) standInOf(folder string) (id string, _ localcluster.Cluster, ok bool) {
	if id, ok = s.k.Settings.Get().StandIns[folder]; !ok {
		return "", nil, false
	}
	real, ok := s.plant.get(id)
	return id, real, ok
}

// run starts a cluster, or lets another one stand in for it.
func (s *Service) run(ctx context.Context, row *pb.Cluster, spec localcluster.Spec) (localcluster.Cluster, error) {
	_, real, ok := s.standInOf(row.FolderId)
	if !ok {
		return s.plant.start(ctx, spec)
	}
	c := &standIn{real: real}
	s.plant.adopt(row.Id, c)
	return c, nil
}
