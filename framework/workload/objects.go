package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"
	"sigs.k8s.io/e2e-framework/klient/k8s/resources"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
)

// CreatePod creates the pod of a manifest in a namespace, as kubectl apply does
// with an object that is not there yet.
func CreatePod(ctx context.Context, c *cluster.Cluster, manifest, namespace string) (*corev1.Pod, error) {
	var pod corev1.Pod
	if err := decoder.DecodeString(manifest, &pod, decoder.MutateNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("reading the manifest of a pod: %w", err)
	}
	if err := c.Resources.Create(ctx, &pod); err != nil {
		return nil, fmt.Errorf("creating the pod %s in %s: %w", pod.Name, namespace, err)
	}
	return &pod, nil
}

// Delete deletes an object by its name and namespace, with a grace period for
// pods. One that is not there is deleted.
func Delete(ctx context.Context, c *cluster.Cluster, obj k8s.Object, grace time.Duration) error {
	err := c.Resources.Delete(ctx, obj, resources.WithGracePeriod(grace))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %T %s in %s: %w", obj, obj.GetName(), obj.GetNamespace(), err)
	}
	return nil
}

// Pod is a getter of a pod. A pod that has ended, or is not there, stops waiting.
func Pod(c *cluster.Cluster, namespace, name string) func(context.Context) (*corev1.Pod, error) {
	return func(ctx context.Context) (*corev1.Pod, error) {
		pod, err := EndingPod(c, namespace, name)(ctx)
		if err == nil && over(pod) {
			return nil, gomega.StopTrying(fmt.Sprintf("the pod %s has ended: phase %s %s", name, pod.Status.Phase, pod.Status.Reason))
		}
		return pod, err
	}
}

// EndingPod is a getter of a pod that is meant to end. One that is not there stops
// waiting.
func EndingPod(c *cluster.Cluster, namespace, name string) func(context.Context) (*corev1.Pod, error) {
	return func(ctx context.Context) (*corev1.Pod, error) {
		var pod corev1.Pod
		if err := c.Resources.Get(ctx, name, namespace, &pod); err != nil {
			return nil, getting(fmt.Sprintf("reading the pod %s in %s", name, namespace), err, apierrors.IsNotFound(err))
		}
		return &pod, nil
	}
}

func over(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// maxLog bounds, in bytes, what is read of a container's log.
const maxLog = int64(1 << 20)

// Log is what a container of a pod has written, the first MiB of it.
func Log(ctx context.Context, c *cluster.Cluster, namespace, pod, container string) ([]byte, error) {
	limit := maxLog
	log, err := c.Client.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{Container: container, LimitBytes: &limit}).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the log of the container %s of the pod %s in %s: %w", container, pod, namespace, err)
	}
	return log, nil
}

// Presence is a getter of whether an object exists. obj says of which type; it is
// not changed.
func Presence(c *cluster.Cluster, obj k8s.Object, namespace, name string) func(context.Context) (cluster.Presence, error) {
	return func(ctx context.Context) (cluster.Presence, error) {
		found := obj.DeepCopyObject().(k8s.Object)
		presence, err := c.PresenceOf(ctx, name, namespace, found)
		if err != nil {
			return "", getting("looking for "+name, err, false)
		}
		return presence, nil
	}
}

// getting turns an error into one that stops waiting if asking again cannot help.
func getting(doing string, err error, permanent bool) error {
	if permanent || cluster.Permanent(err) {
		return gomega.StopTrying(doing).Wrap(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// State says in one line what a pod is doing, for progress and failures.
func State(pod *corev1.Pod) string {
	state := "phase " + string(pod.Status.Phase)
	for _, status := range pod.Status.ContainerStatuses {
		switch {
		case status.State.Waiting != nil:
			state += fmt.Sprintf(", container %s waits: %s %s", status.Name, status.State.Waiting.Reason, status.State.Waiting.Message)
		case status.State.Terminated != nil:
			state += fmt.Sprintf(", container %s ended with code %d", status.Name, status.State.Terminated.ExitCode)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			state += ", not scheduled: " + condition.Message
		}
	}
	return state
}
