package nodeagent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/podspec"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/sandbox"
)

// The kubelet's delays between restarts ("Pod Lifecycle", container restarts): the
// first at once, then 10 s, doubled up to 5 minutes, forgotten after 10 minutes of running.
const (
	firstBackOff  = 10 * time.Second
	lastBackOff   = 5 * time.Minute
	backOffForget = 10 * time.Minute
	// configRetry is when a container whose environment could not be read is tried again.
	configRetry = 5 * time.Second
)

// container is one of a pod's, over all its restarts.
type container struct {
	worker *worker
	spec   *corev1.Container
	log    *containerLog

	// The rest is guarded by the worker's mu.
	state, last corev1.ContainerState
	restarts    int32
	running     *sandbox.Container
	process     sandbox.Process
}

func newContainer(w *worker, spec *corev1.Container) *container {
	return &container{
		worker: w, spec: spec,
		log:   &containerLog{path: filepath.Join(w.dir, "logs", spec.Name+".log")},
		state: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
	}
}

// run starts the container as often as the pod's policy wants.
func (c *container) run() {
	w := c.worker
	backOff := time.Duration(0)
	for {
		began := time.Now()
		if !c.runOnce() {
			return
		}
		if w.life.Err() != nil || !c.again() {
			return
		}
		if time.Since(began) > backOffForget {
			backOff = 0
		}
		if backOff > 0 {
			c.waitingSince("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s", backOff, c.spec.Name))
			w.event(corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container "+c.spec.Name)
			if !wait(w.life, backOff) {
				return
			}
		}
		backOff = min(max(2*backOff, firstBackOff), lastBackOff)
		w.mu.Lock()
		c.restarts++
		w.mu.Unlock()
	}
}

// again applies the restart policy to the last end.
func (c *container) again() bool {
	w := c.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.pod.Spec.RestartPolicy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return c.state.Terminated == nil || c.state.Terminated.ExitCode != 0
	default:
		return true
	}
}

// runOnce runs the container to its end; false means that it was never started
// because the pod's life ended.
func (c *container) runOnce() bool {
	w := c.worker
	process, ok := c.configure()
	if !ok {
		return false
	}
	scratch := filepath.Join(w.dir, "roots", c.spec.Name)
	output, err := c.log.open()
	if err == nil {
		err = os.MkdirAll(scratch, 0o700)
	}
	if err != nil {
		c.ended(128, "StartError", err.Error(), metav1.Now())
		return true
	}
	defer output.close()
	began := metav1.Now()
	running, err := w.box.Start(scratch, c.root(), process, output.stdout, output.stderr)
	if err != nil {
		w.event(corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
		c.ended(128, "StartError", err.Error(), began)
		return true
	}
	w.mu.Lock()
	c.running, c.process = running, process
	c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: began}}
	w.mu.Unlock()
	w.event(corev1.EventTypeNormal, "Started", fmt.Sprintf("Started container %s as processes of the host; its image is not run", c.spec.Name))
	w.touch()
	c.await(running)

	reason, code := "Completed", running.ExitCode()
	if code != 0 {
		reason = "Error"
	}
	c.ended(code, reason, "", began)
	return true
}

// await returns when the container has ended, and ends it when the pod's life does.
func (c *container) await(running *sandbox.Container) {
	w := c.worker
	select {
	case <-running.Done():
		return
	case <-w.life.Done():
	}
	if w.killed.Err() == nil {
		w.event(corev1.EventTypeNormal, "Killing", "Stopping container "+c.spec.Name)
		running.Terminate()
		timer := time.NewTimer(w.grace())
		defer timer.Stop()
		select {
		case <-running.Done():
			return
		case <-timer.C:
		case <-w.killed.Done():
		}
	}
	running.Kill()
	<-running.Done()
}

// configure works out what to run, waiting for config maps and secrets that are not
// there yet.
func (c *container) configure() (sandbox.Process, bool) {
	w := c.worker
	for {
		pod := w.current()
		command, err := podspec.ReadCommand(w.life, w.agent.client, pod, c.spec, w.baseEnv())
		if err == nil {
			var process sandbox.Process
			if process, err = asUser(pod, c.spec, command); err == nil {
				return process, true
			}
		}
		if w.life.Err() != nil {
			return sandbox.Process{}, false
		}
		c.waitingSince("CreateContainerConfigError", err.Error())
		if !wait(w.life, configRetry) {
			return sandbox.Process{}, false
		}
	}
}

// baseEnv is what every container gets: nothing of it comes from this process.
func (w *worker) baseEnv() map[string]string {
	host := w.agent.cfg.ServiceAddress
	return map[string]string{
		"PATH": podspec.DefaultPath, "HOME": "/root", "HOSTNAME": w.hostname(),
		"KUBERNETES_SERVICE_HOST":       host,
		"KUBERNETES_SERVICE_PORT":       httpsPort,
		"KUBERNETES_SERVICE_PORT_HTTPS": httpsPort,
		"KUBERNETES_PORT":               "tcp://" + host + ":" + httpsPort,
		"KUBERNETES_PORT_443_TCP":       "tcp://" + host + ":" + httpsPort,
		"KUBERNETES_PORT_443_TCP_PROTO": "tcp",
		"KUBERNETES_PORT_443_TCP_PORT":  httpsPort,
		"KUBERNETES_PORT_443_TCP_ADDR":  host,
	}
}

// hostname is cut as the kubelet cuts it, at 63 characters.
func (w *worker) hostname() string {
	pod := w.current()
	name := pod.Name
	if pod.Spec.Hostname != "" {
		name = pod.Spec.Hostname
	}
	return name[:min(len(name), 63)]
}

// asUser applies the security context.
func asUser(pod *corev1.Pod, c *corev1.Container, command podspec.Command) (sandbox.Process, error) {
	p := sandbox.Process{Args: command.Args, Env: command.Env, Dir: command.Dir}
	var user, group *int64
	var nonRoot *bool
	if sc := pod.Spec.SecurityContext; sc != nil {
		user, group, nonRoot = sc.RunAsUser, sc.RunAsGroup, sc.RunAsNonRoot
	}
	if sc := c.SecurityContext; sc != nil {
		if sc.RunAsUser != nil {
			user = sc.RunAsUser
		}
		if sc.RunAsGroup != nil {
			group = sc.RunAsGroup
		}
		if sc.RunAsNonRoot != nil {
			nonRoot = sc.RunAsNonRoot
		}
		p.NoNewPrivileges = sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation
		p.NoCapabilities = podspec.DropsAll(sc)
	}
	if user != nil {
		p.User = uint32(*user) //nolint:gosec // G115: the API server lets no negative id through, nor one over 2^31-1
	}
	if group != nil {
		p.Group = uint32(*group) //nolint:gosec // G115: the API server lets no negative id through, nor one over 2^31-1
	}
	if nonRoot != nil && *nonRoot && p.User == 0 {
		return p, fmt.Errorf("container has runAsNonRoot and would run as root")
	}
	return p, nil
}

// root is the container's file system.
func (c *container) root() sandbox.Root {
	w := c.worker
	pod := w.current()
	root := sandbox.Root{
		Hostname: w.hostname(),
		Files:    w.agent.podFiles(pod, w.hostname(), w.podIP),
		Hide:     w.agent.cfg.Hide,
	}
	kinds := map[string]corev1.VolumeSource{}
	for _, v := range pod.Spec.Volumes {
		kinds[v.Name] = v.VolumeSource
	}
	for _, m := range c.spec.VolumeMounts {
		root.Mounts = append(root.Mounts, sandbox.Mount{
			Source: w.volumeDir(m.Name), Target: m.MountPath,
			// The kubelet mounts what it writes itself read-only.
			ReadOnly: m.ReadOnly || kinds[m.Name].EmptyDir == nil,
		})
	}
	return root
}

func (c *container) waitingSince(reason, message string) {
	w := c.worker
	w.mu.Lock()
	if c.state.Terminated != nil {
		c.last = c.state
	}
	c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	w.mu.Unlock()
	w.touch()
}

func (c *container) ended(code int, reason, message string, began metav1.Time) {
	w := c.worker
	w.mu.Lock()
	if c.state.Terminated != nil {
		c.last = c.state
	}
	c.running = nil
	c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, Message: message, StartedAt: began, FinishedAt: metav1.Now(), ContainerID: c.id(), //nolint:gosec // G115: an exit code is less than 256
	}}
	w.mu.Unlock()
	w.touch()
}

// id names this start of the container. The worker's mu is held.
func (c *container) id() string {
	return runtimeName + "://" + string(c.worker.pod.UID) + "/" + c.spec.Name + "/" + strconv.Itoa(int(c.restarts))
}

// exec runs a program in the container as it is now.
func (c *container) exec(ctx context.Context, args []string, streams sandbox.Streams) (int, error) {
	w := c.worker
	w.mu.Lock()
	running, process := c.running, c.process
	w.mu.Unlock()
	if running == nil {
		return 0, fmt.Errorf("container %s is not running", c.spec.Name)
	}
	process.Args = args
	if streams.TTY {
		process.Env = append(append([]string{}, process.Env...), "TERM=xterm")
	}
	return running.Exec(ctx, process, streams)
}
