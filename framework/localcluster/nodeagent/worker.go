package nodeagent

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/egress"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/podspec"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/sandbox"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/volume"
)

// worker runs one pod.
type worker struct {
	agent *Agent
	dir   string
	podIP string
	start metav1.Time
	// life ends when the pod shall end; killed when it shall end without grace.
	life   context.Context
	finish context.CancelFunc
	killed context.Context
	kill   context.CancelFunc
	// done is closed when nothing of the pod runs any more.
	done    chan struct{}
	changed chan struct{}
	volumes volume.Source
	box     *sandbox.Pod

	mu         sync.Mutex
	pod        *corev1.Pod
	containers []*container
	conditions []corev1.PodCondition
	// refusal is why the pod cannot run here at all.
	refusal *refusal
	// prepared is set when the pod's network and volumes are there.
	prepared bool
}

type refusal struct{ reason, message string }

func newWorker(a *Agent, pod *corev1.Pod, podIP string) *worker {
	w := &worker{
		agent: a, pod: pod, podIP: podIP, start: metav1.Now(),
		dir:  filepath.Join(a.cfg.Dir, "pods", string(pod.UID)),
		done: make(chan struct{}), changed: make(chan struct{}, 1),
		volumes: volume.Source{Client: a.client, Clock: clock.RealClock{}},
	}
	w.killed, w.kill = context.WithCancel(a.ctx)
	w.life, w.finish = context.WithCancel(w.killed)
	for i := range pod.Spec.Containers {
		w.containers = append(w.containers, newContainer(w, &pod.Spec.Containers[i]))
	}
	return w
}

func (w *worker) name() string {
	pod := w.current()
	return pod.Namespace + "/" + pod.Name
}

// current is the pod's object, with the addresses that its own programs may ask for.
func (w *worker) current() *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	pod := w.pod.DeepCopy()
	pod.Status.PodIP, pod.Status.HostIP = w.podIP, w.agent.cfg.Address
	return pod
}

// update takes a newer object. The specification of a pod does not change, but its
// labels and its end do.
func (w *worker) update(pod *corev1.Pod) {
	w.mu.Lock()
	w.pod = pod
	w.mu.Unlock()
	if pod.DeletionTimestamp != nil {
		w.finish()
	}
}

// grace is how long the pod's programs may take to end.
func (w *worker) grace() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, seconds := range []*int64{w.pod.DeletionGracePeriodSeconds, w.pod.Spec.TerminationGracePeriodSeconds} {
		if seconds != nil {
			return time.Duration(*seconds) * time.Second
		}
	}
	return corev1.DefaultTerminationGracePeriodSeconds * time.Second
}

// run is the pod's life.
func (w *worker) run() {
	reported := make(chan struct{})
	go func() { defer close(reported); w.report() }()
	w.runContainers()
	if w.box != nil {
		w.box.Close()
	}
	close(w.done)
	<-reported
	// A pod that ended by itself stays until someone deletes it.
	<-w.life.Done()
	if w.killed.Err() == nil {
		w.agent.confirmDeletion(w.agent.ctx, w.current())
	}
}

func (w *worker) runContainers() {
	pod := w.current()
	if bad := podspec.Unsupported(pod); len(bad) > 0 {
		w.refuse("NotSupported", "the embedded engine's node agent does not support: "+strings.Join(bad, "; "))
		return
	}
	if err := w.makeBox(); err != nil {
		w.refuse("NoSandbox", err.Error())
		return
	}
	next, ok := w.prepareVolumes(pod)
	if !ok {
		return
	}
	w.mu.Lock()
	w.prepared = true
	w.mu.Unlock()
	w.touch()

	var running sync.WaitGroup
	for _, c := range w.containers {
		running.Go(c.run)
	}
	refreshing, stop := context.WithCancel(w.life)
	var refresh sync.WaitGroup
	refresh.Go(func() { w.refreshVolumes(refreshing, next) })
	running.Wait()
	stop()
	refresh.Wait()
}

// refuse ends the pod before it began: it is Failed and says why.
func (w *worker) refuse(reason, message string) {
	w.mu.Lock()
	w.refusal = &refusal{reason, message}
	w.mu.Unlock()
	w.event(corev1.EventTypeWarning, reason, message)
	w.touch()
}

// makeBox makes the pod's network: loopback, the API server, the metadata address and
// the egress.
func (w *worker) makeBox() error {
	cfg := w.agent.cfg
	addresses := []string{w.podIP, cfg.ServiceAddress}
	if cfg.Metadata != nil {
		addresses = append(addresses, localcluster.MetadataAddress)
	}
	box, err := sandbox.NewPod(addresses...)
	if err != nil {
		return err
	}
	w.box = box
	if cfg.Metadata != nil {
		if err := w.carry(net.JoinHostPort(localcluster.MetadataAddress, "80"), func(l net.Listener) { serveMetadata(l, w.podIP, cfg.Metadata) }); err != nil {
			return err
		}
	}
	if err := w.carry(net.JoinHostPort(cfg.ServiceAddress, httpsPort), func(l net.Listener) {
		egress.Forward(w.killed, l, w.agent.apiServer())
	}); err != nil {
		return err
	}
	for _, r := range w.agent.routes() {
		if err := w.carry(net.JoinHostPort(r.inside, httpsPort), func(l net.Listener) {
			egress.Forward(w.killed, l, r.outside)
		}); err != nil {
			return err
		}
	}
	if cfg.Egress == nil {
		return nil
	}
	return w.carry(proxyAddress, func(l net.Listener) { egress.ServeProxy(w.killed, l) })
}

// carry serves a listener inside the pod until nothing of the pod runs.
func (w *worker) carry(address string, serve func(net.Listener)) error {
	l, err := w.box.Listen(address)
	if err != nil {
		return err
	}
	go serve(l)
	go func() {
		<-w.done
		_ = l.Close()
	}()
	return nil
}

// prepareVolumes fills all volumes, however often it takes: a config map may be
// made after the pod, and the API server learns late that the pod is on this node.
// ok is false when the pod's life ended first.
func (w *worker) prepareVolumes(pod *corev1.Pod) (next map[string]time.Time, ok bool) {
	const patience = 5 // attempts before the pod's events tell
	for attempt, delay := 1, firstRetry; ; attempt, delay = attempt+1, min(2*delay, lastRetry) {
		next, err := w.fillVolumes(pod)
		if err == nil {
			return next, true
		}
		if w.life.Err() != nil {
			return nil, false
		}
		if attempt == patience {
			w.event(corev1.EventTypeWarning, "FailedMount", err.Error())
		}
		if !wait(w.life, delay) {
			return nil, false
		}
	}
}

func (w *worker) fillVolumes(pod *corev1.Pod) (map[string]time.Time, error) {
	next := map[string]time.Time{}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		dir := w.volumeDir(v.Name)
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return nil, err
		}
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // G301: a container's folders are read by its users
			return nil, err
		}
		due, err := w.volumes.Fill(w.life, pod, v, dir)
		if err != nil {
			return nil, err
		}
		if !due.IsZero() {
			next[v.Name] = due
		}
	}
	return next, nil
}

// refreshVolumes fills volumes again when they are due.
func (w *worker) refreshVolumes(ctx context.Context, next map[string]time.Time) {
	for len(next) > 0 {
		soonest := time.Time{}
		for _, due := range next {
			if soonest.IsZero() || due.Before(soonest) {
				soonest = due
			}
		}
		if !wait(ctx, time.Until(soonest)) {
			return
		}
		pod := w.current()
		for i := range pod.Spec.Volumes {
			v := &pod.Spec.Volumes[i]
			if due, ok := next[v.Name]; !ok || due.After(time.Now()) {
				continue
			}
			due, err := w.volumes.Fill(ctx, pod, v, w.volumeDir(v.Name))
			if err != nil {
				if ctx.Err() != nil {
					return
				}
				w.event(corev1.EventTypeWarning, "FailedMount", err.Error())
				due = time.Now().Add(volume.RefreshInterval)
			}
			next[v.Name] = due
		}
	}
}

func (w *worker) volumeDir(name string) string { return filepath.Join(w.dir, "volumes", name) }

// touch asks for a report of the status.
func (w *worker) touch() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}
