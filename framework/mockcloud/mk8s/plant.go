package mk8s

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// plant is the clusters that are running.
type plant struct {
	engine localcluster.Engine
	work   *stepLog
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	running  map[string]localcluster.Cluster
	closed   bool
	starting sync.WaitGroup
}

var errClosed = errors.New("the mock cloud is shutting down")

func newPlant(engine localcluster.Engine) *plant {
	if engine == nil {
		engine = paperEngine{}
	}
	work := &stepLog{}
	p := &plant{engine: stopwatch{engine, work}, work: work, running: map[string]localcluster.Cluster{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// start runs a cluster, unless the plant is being closed: nothing may outlive it.
func (p *plant) start(ctx context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	p.starting.Add(1)
	p.mu.Unlock()
	defer p.starting.Done()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	c, err := p.engine.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[spec.Name] = c
	return c, nil
}

// adopt takes a cluster that runs already.
func (p *plant) adopt(id string, c localcluster.Cluster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[id] = c
}

func (p *plant) get(id string) (localcluster.Cluster, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.running[id]
	return c, ok
}

// all are the clusters that run now, by id.
func (p *plant) all() map[string]localcluster.Cluster {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.running)
}

// stop ends a cluster; one that does not run is no error.
func (p *plant) stop(ctx context.Context, id string) error {
	c, ok := p.get(id)
	if !ok {
		return nil
	}
	if err := c.Delete(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, id)
	return nil
}

// close ends every cluster, also those that are just starting.
func (p *plant) close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.starting.Wait()
	var errs []error
	for id := range p.all() {
		errs = append(errs, p.stop(ctx, id))
	}
	return errors.Join(errs...)
}
