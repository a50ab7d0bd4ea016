package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/cluster"
)

const pollInterval = 100 * time.Millisecond

// start makes a cluster and waits until its controllers work.
func start(ctx context.Context, p plan) (*Cluster, error) {
	if p.spec.Name == "" || !filepath.IsAbs(p.spec.Dir) {
		return nil, fmt.Errorf("a cluster needs a name and an absolute folder, not %q and %q", p.spec.Name, p.spec.Dir)
	}
	if p.spec.Log == nil {
		p.spec.Log = io.Discard
	}
	c := &Cluster{plan: p, kind: cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(logger{to: p.spec.Log}))}
	c.alive, c.end = context.WithCancelCause(context.WithoutCancel(ctx))
	ctx, cancel := c.until(ctx)
	defer cancel()
	if err := c.bringUp(ctx); err != nil {
		// The caller's context may be what ended the start.
		return nil, errors.Join(err, c.Delete(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) bringUp(ctx context.Context) error {
	at, err := joinNetwork(ctx, c.plan.network)
	if err != nil {
		return err
	}
	c.joined, c.subnet, c.gate = true, at.subnet, newGate(at.gateway)
	if err := c.writeSettings(); err != nil {
		return err
	}
	config, err := c.plan.config()
	if err != nil {
		return err
	}
	began := time.Now()
	err = c.create(ctx, cluster.CreateWithV1Alpha4Config(config), cluster.CreateWithKubeconfigPath(c.plan.kubeconfig()))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.plan.spec.Log, "kind made the cluster in %s\n", time.Since(began).Round(time.Second))
	if err := c.connect(); err != nil {
		return err
	}
	if err := c.joinNodes(ctx); err != nil {
		return err
	}
	if len(c.plan.spec.Issuers) > 1 {
		if err := c.SetIssuers(ctx, c.plan.spec.Issuers); err != nil {
			return err
		}
	}
	return c.waitControllers(ctx)
}

// writeSettings writes what the nodes read from the first: where the webhook and
// the mirror of images are.
func (c *Cluster) writeSettings() error {
	if err := os.MkdirAll(c.plan.settings(), 0o700); err != nil {
		return err
	}
	if err := c.startMirror(); err != nil {
		return err
	}
	return c.writeWebhook()
}

// create is kind's, which takes no context: when ctx ends, what is there is deleted
// under it, so that it fails.
func (c *Cluster) create(ctx context.Context, options ...cluster.CreateOption) error {
	done := make(chan struct{})
	var failure error
	go func() {
		defer close(done)
		failure = c.kind.Create(c.plan.name(), options...)
	}()
	select {
	case <-done:
		return explained(failure)
	case <-ctx.Done():
	}
	for {
		err := c.removeNodes()
		select {
		case <-done:
			// What it made between our deletion and its end goes now.
			return errors.Join(context.Cause(ctx), err, c.removeNodes())
		case <-time.After(time.Second):
		}
	}
}

// connect makes the administrator's client.
func (c *Cluster) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", c.plan.kubeconfig())
	if err != nil {
		return fmt.Errorf("reading the kubeconfig that kind wrote: %w", err)
	}
	// The engine's own calls are few; throttling them would only slow a start.
	config.QPS = -1
	c.admin = config
	c.api, err = kubernetes.NewForConfig(config)
	return err
}

// waitControllers returns when the controller manager has made what every pod
// needs: the default service account and the root CA's config map.
func (c *Cluster) waitControllers(ctx context.Context) error {
	return poll(ctx, "the controllers", func(ctx context.Context) error {
		if _, err := c.api.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		_, err := c.api.CoreV1().ConfigMaps("default").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return err
	})
}

// poll asks until there is no error.
func poll(ctx context.Context, what string, ask func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		err := ask(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w; its last answer: %w", what, context.Cause(ctx), last)
	}
	return nil
}
