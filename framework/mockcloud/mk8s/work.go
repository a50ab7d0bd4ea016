package mk8s

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// Work is what the engine has done so far, for whoever wants to know how much of a
// run's time was its.
type Work struct {
	Engine string   `json:"engine"`
	Host   []string `json:"host,omitempty"`
	Steps  []Step   `json:"steps"`
}

// Step sums up all calls of one kind.
type Step struct {
	What  string        `json:"what"`
	Times int           `json:"times"`
	Took  time.Duration `json:"took_ns"`
}

// stopwatch measures what an engine does. It is an engine, and its clusters are
// clusters: those that it was given.
type stopwatch struct {
	localcluster.Engine
	log *stepLog
}

type timedCluster struct {
	localcluster.Cluster
	log *stepLog
}

// stepLog sums steps up, in the order in which they came first.
type stepLog struct {
	mu    sync.Mutex
	steps []Step
}

// begin starts a step; the function that it returns ends it.
func (l *stepLog) begin(what string) (end func()) {
	began := time.Now() // the engine lives in real time, whatever the cloud's clock says
	return func() {
		took := time.Since(began)
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range l.steps {
			if l.steps[i].What == what {
				l.steps[i].Times++
				l.steps[i].Took += took
				return
			}
		}
		l.steps = append(l.steps, Step{What: what, Times: 1, Took: took})
	}
}

func (l *stepLog) all() []Step {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Step{}, l.steps...)
}

// Start and the rest are the engine's, measured.
func (s stopwatch) Start(ctx context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	defer s.log.begin("start a cluster")()
	c, err := s.Engine.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return timedCluster{c, s.log}, nil
}

func (c timedCluster) SetIssuers(ctx context.Context, issuers []string) error {
	defer c.log.begin("change issuers")()
	return c.Cluster.SetIssuers(ctx, issuers)
}

func (c timedCluster) AddNode(ctx context.Context, n localcluster.NodeSpec) (string, error) {
	defer c.log.begin("add a node")()
	return c.Cluster.AddNode(ctx, n)
}

func (c timedCluster) RemoveNode(ctx context.Context, name string) error {
	defer c.log.begin("remove a node")()
	return c.Cluster.RemoveNode(ctx, name)
}

func (c timedCluster) RestartNode(ctx context.Context, name string) error {
	defer c.log.begin("restart a node")()
	return c.Cluster.RestartNode(ctx, name)
}

func (c timedCluster) Delete(ctx context.Context) error {
	defer c.log.begin("delete a cluster")()
	return c.Cluster.Delete(ctx)
}

// Work tells what the engine has done.
func (s *Service) Work(ctx context.Context) Work {
	return Work{Engine: s.plant.engine.Name(), Host: s.plant.engine.Host(ctx), Steps: s.plant.work.all()}
}

// CollectLogs writes the logs of every running cluster into a folder of dir.
func (s *Service) CollectLogs(ctx context.Context, dir string) error {
	var errs []error
	for id, c := range s.plant.all() {
		if err := c.CollectLogs(ctx, filepath.Join(dir, id)); err != nil {
			errs = append(errs, fmt.Errorf("cluster %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}
