package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/sandbox"
)

// Agent is a running node.
type Agent struct {
	cfg    Config
	client kubernetes.Interface
	log    *log.Logger
	server *server
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	subnet byte

	mu      sync.Mutex
	pods    map[types.UID]*worker
	nextIP  int
	stopped bool
}

// Start registers the node and begins to run its pods. It returns when the Node object
// is there; the control plane then takes a moment to use it. Without the rights that
// pods need it says which are missing.
func Start(ctx context.Context, cfg Config) (*Agent, error) {
	if err := sandbox.Check(); err != nil {
		return nil, err
	}
	// What a former process left; its pods ended with it.
	if err := os.RemoveAll(filepath.Join(cfg.Dir, "pods")); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "pods"), 0o700); err != nil {
		return nil, err
	}
	config := rest.CopyConfig(cfg.Client)
	config.QPS = -1 // one agent's calls are few, and each waits for the one before
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	a := &Agent{
		cfg: cfg, client: client, pods: map[types.UID]*worker{},
		log:    log.New(cfg.Log, "", log.LstdFlags|log.LUTC),
		subnet: byte(1 + rand.N(254)), //nolint:gosec // G404, G115: no secret, and less than 256
	}
	a.ctx, a.cancel = context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), clientLogger(a.log)))
	if a.server, err = startServer(a); err != nil {
		a.cancel()
		return nil, err
	}
	if err := a.register(ctx); err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	a.tasks.Go(a.heartbeat)
	a.tasks.Go(a.watch)
	return a, nil
}

// Stop ends the pods at once, without their grace period, and then the agent. The
// objects stay in the API. It may be called twice.
func (a *Agent) Stop(context.Context) error {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.cancel()
	a.tasks.Wait()
	for _, w := range a.workers() {
		w.kill()
		<-w.done
	}
	err := a.server.close()
	return errors.Join(err, os.RemoveAll(filepath.Join(a.cfg.Dir, "pods")))
}

// clientLogger takes what client-go would write to standard error: that a watch
// ended, and the like.
func clientLogger(to *log.Logger) klog.Logger {
	return funcr.New(func(prefix, args string) { to.Printf("client: %s %s", prefix, args) }, funcr.Options{})
}

func (a *Agent) workers() []*worker {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]*worker, 0, len(a.pods))
	for _, w := range a.pods {
		all = append(all, w)
	}
	return all
}

// watch follows the pods of this node until the agent ends. It does without the informers
// of client-go, which are of every kind there is: to compile them takes a minute.
func (a *Agent) watch() {
	pods := cache.NewListWatchFromClient(a.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, fields.OneTermEqualSelector("spec.nodeName", a.cfg.Node))
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: pods, ObjectType: &corev1.Pod{}, Handler: cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.sync(o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { a.sync(o.(*corev1.Pod)) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if pod, ok := o.(*corev1.Pod); ok {
				a.forget(pod.UID)
			}
		},
	}})
	controller.RunWithContext(a.ctx)
}

// sync brings a pod nearer to what its object says.
func (a *Agent) sync(pod *corev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	w := a.pods[pod.UID]
	switch {
	case w != nil:
		w.update(pod)
	case pod.DeletionTimestamp != nil:
		// Nothing of it runs here any more, e.g. after a restart of the cluster.
		a.tasks.Go(func() { a.confirmDeletion(a.ctx, pod) })
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
	default:
		w = newWorker(a, pod, a.newPodIP())
		a.pods[pod.UID] = w
		go w.run()
	}
}

// newPodIP gives every pod of the node an address of its own; it is on the pod's
// loopback device, and no other pod reaches it. a.mu is held.
func (a *Agent) newPodIP() string {
	a.nextIP++
	return fmt.Sprintf("10.244.%d.%d", a.subnet, 1+a.nextIP%254)
}

// forget ends a pod whose object is gone.
func (a *Agent) forget(uid types.UID) {
	a.mu.Lock()
	w := a.pods[uid]
	delete(a.pods, uid)
	a.mu.Unlock()
	if w == nil {
		return
	}
	w.kill()
	a.tasks.Go(func() {
		<-w.done
		if err := os.RemoveAll(w.dir); err != nil {
			a.log.Printf("removing the folder of the pod %s: %v", w.name(), err)
		}
	})
}

// confirmDeletion tells the API server that nothing of the pod is left.
func (a *Agent) confirmDeletion(ctx context.Context, pod *corev1.Pod) {
	now, uid := int64(0), pod.UID
	a.retry(ctx, "deleting the pod "+pod.Namespace+"/"+pod.Name, func(ctx context.Context) error {
		return a.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name,
			metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &uid}})
	})
}

// find returns the newest worker of a pod by name.
func (a *Agent) find(namespace, name string) *worker {
	for _, w := range a.workers() {
		pod := w.current()
		if pod.Namespace == namespace && pod.Name == name {
			return w
		}
	}
	return nil
}

// apiServer is the address that the service's address stands for.
func (a *Agent) apiServer() string { return strings.TrimPrefix(a.cfg.Client.Host, "https://") }

// delays for calls of the API server that failed.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)
