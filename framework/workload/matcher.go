package workload

import (
	"fmt"

	"github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
)

// BeRunning matches a *corev1.Pod whose phase is Running and whose containers
// are ready, which `kubectl get pod` shows as 1/1 Running. A failure says in one
// line what the pod is doing; the whole pod is in the diagnostics.
func BeRunning() types.GomegaMatcher { return running{} }

type running struct{}

func (running) Match(actual any) (bool, error) {
	pod, ok := actual.(*corev1.Pod)
	if !ok || pod == nil {
		return false, fmt.Errorf("BeRunning needs a *corev1.Pod, not %T", actual)
	}
	if pod.Status.Phase != corev1.PodRunning || len(pod.Status.ContainerStatuses) != len(pod.Spec.Containers) {
		return false, nil
	}
	for _, status := range pod.Status.ContainerStatuses {
		if !status.Ready {
			return false, nil
		}
	}
	return true, nil
}

func (running) FailureMessage(actual any) string {
	pod := actual.(*corev1.Pod)
	return fmt.Sprintf("the pod %s in %s is not Running with all containers ready: %s", pod.Name, pod.Namespace, State(pod))
}

func (running) NegatedFailureMessage(actual any) string {
	pod := actual.(*corev1.Pod)
	return fmt.Sprintf("the pod %s in %s is Running, but should not be", pod.Name, pod.Namespace)
}

// HaveEnded matches a *corev1.Pod all of whose containers have ended, for better or
// worse. A failure is like that of BeRunning.
func HaveEnded() types.GomegaMatcher { return ended{} }

type ended struct{}

func (ended) Match(actual any) (bool, error) {
	pod, ok := actual.(*corev1.Pod)
	if !ok || pod == nil {
		return false, fmt.Errorf("HaveEnded needs a *corev1.Pod, not %T", actual)
	}
	return over(pod), nil
}

func (ended) FailureMessage(actual any) string {
	pod := actual.(*corev1.Pod)
	return fmt.Sprintf("the pod %s in %s has not ended: %s", pod.Name, pod.Namespace, State(pod))
}

func (ended) NegatedFailureMessage(actual any) string {
	pod := actual.(*corev1.Pod)
	return fmt.Sprintf("the pod %s in %s has ended, but should not have", pod.Name, pod.Namespace)
}
