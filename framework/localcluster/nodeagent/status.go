package nodeagent

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// notRun stands where a runtime names the image that it runs.
const notRun = runtimeName + "://image-not-run"

// report writes the pod's status whenever it has changed, the last time when nothing
// of it runs any more.
func (w *worker) report() {
	w.touch()
	for {
		select {
		case <-w.changed:
			w.writeStatus()
		case <-w.done:
			w.writeStatus()
			return
		}
	}
}

func (w *worker) writeStatus() {
	w.mu.Lock()
	name, namespace, uid := w.pod.Name, w.pod.Namespace, w.pod.UID
	status := w.status()
	w.mu.Unlock()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": uid}, "status": status})
	if err != nil {
		w.agent.log.Printf("status of the pod %s/%s: %v", namespace, name, err)
		return
	}
	w.agent.retry(w.agent.ctx, "writing the status of the pod "+namespace+"/"+name, func(ctx context.Context) error {
		_, err := w.agent.client.CoreV1().Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		return err
	})
}

// status is what the pod is now. w.mu is held.
func (w *worker) status() corev1.PodStatus {
	status := corev1.PodStatus{
		StartTime: &w.start,
		HostIP:    w.agent.cfg.Address, HostIPs: []corev1.HostIP{{IP: w.agent.cfg.Address}},
		QOSClass: w.pod.Status.QOSClass,
		Phase:    w.phase(),
	}
	ready := status.Phase == corev1.PodRunning
	for _, c := range w.containers {
		running := c.state.Running != nil
		ready = ready && running
		s := corev1.ContainerStatus{
			Name: c.spec.Name, Image: c.spec.Image, ImageID: notRun,
			State: c.state, LastTerminationState: c.last, RestartCount: c.restarts,
			Ready: running, Started: &running,
		}
		if w.refusal != nil {
			s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: w.refusal.reason, Message: w.refusal.message}}
		}
		if c.state.Waiting == nil {
			s.ContainerID = c.id()
		}
		status.ContainerStatuses = append(status.ContainerStatuses, s)
	}
	if w.refusal != nil {
		status.Reason, status.Message = w.refusal.reason, w.refusal.message
	}
	if w.prepared {
		status.PodIP, status.PodIPs = w.podIP, []corev1.PodIP{{IP: w.podIP}}
	}
	ended := status.Phase == corev1.PodSucceeded || status.Phase == corev1.PodFailed
	w.condition(corev1.PodReadyToStartContainers, w.prepared && !ended, "")
	w.condition(corev1.PodInitialized, w.refusal == nil, "")
	unready := "ContainersNotReady"
	if status.Phase == corev1.PodSucceeded {
		unready = "PodCompleted"
	}
	w.condition(corev1.ContainersReady, ready, unready)
	w.condition(corev1.PodReady, ready, unready)
	status.Conditions = append(status.Conditions, w.conditions...)
	return status
}

// phase sums the containers up ("Pod Lifecycle", pod phase).
func (w *worker) phase() corev1.PodPhase {
	if w.refusal != nil {
		return corev1.PodFailed
	}
	var waiting, running, failed int
	begun := false
	for _, c := range w.containers {
		begun = begun || c.state.Waiting == nil || c.restarts > 0 || c.last.Terminated != nil
		switch {
		case c.state.Running != nil:
			running++
		case c.state.Waiting != nil:
			waiting++
		case c.state.Terminated.ExitCode != 0:
			failed++
		}
	}
	switch {
	case running > 0 || (waiting > 0 && begun):
		return corev1.PodRunning
	case waiting > 0:
		return corev1.PodPending
	case w.life.Err() == nil && w.pod.Spec.RestartPolicy == corev1.RestartPolicyAlways,
		w.life.Err() == nil && w.pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure && failed > 0:
		return corev1.PodRunning // between an end and the next start
	case failed > 0:
		return corev1.PodFailed
	default:
		return corev1.PodSucceeded
	}
}

// condition keeps the time of the last change.
func (w *worker) condition(kind corev1.PodConditionType, is bool, reasonIfNot string) {
	status := corev1.ConditionFalse
	if is {
		status, reasonIfNot = corev1.ConditionTrue, ""
	}
	for i := range w.conditions {
		c := &w.conditions[i]
		if c.Type != kind {
			continue
		}
		if c.Status != status {
			c.Status, c.LastTransitionTime = status, metav1.Now()
		}
		c.Reason = reasonIfNot
		return
	}
	w.conditions = append(w.conditions, corev1.PodCondition{Type: kind, Status: status, Reason: reasonIfNot, LastTransitionTime: metav1.Now()})
}

// event writes what happened to the pod, for kubectl describe. It is not retried:
// an event is a courtesy.
func (w *worker) event(kind, reason, message string) {
	pod := w.current()
	now := metav1.Now()
	w.agent.log.Printf("pod %s/%s: %s: %s", pod.Namespace, pod.Name, reason, message)
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: pod.Name + ".", Namespace: pod.Namespace},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: pod.ResourceVersion},
		Type: kind, Reason: reason, Message: message,
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Source:              corev1.EventSource{Component: "kubelet", Host: w.agent.cfg.Node},
		ReportingController: "kubelet", ReportingInstance: w.agent.cfg.Node,
	}
	if _, err := w.agent.client.CoreV1().Events(pod.Namespace).Create(w.agent.ctx, event, metav1.CreateOptions{}); err != nil && w.agent.ctx.Err() == nil {
		w.agent.log.Printf("pod %s/%s: writing the event %s: %v", pod.Namespace, pod.Name, reason, err)
	}
}
