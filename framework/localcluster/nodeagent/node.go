package nodeagent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A kubelet's own intervals.
const (
	leaseDuration  = 40 * time.Second
	leaseInterval  = 10 * time.Second
	statusInterval = 5 * time.Minute
	leaseNamespace = "kube-node-lease"
	// runtimeName is what the node and its containers call this way of running them.
	runtimeName = "host-processes"
)

// register makes the Node object, or takes over one that a former start left.
func (a *Agent) register(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: a.cfg.Node, Labels: map[string]string{
		corev1.LabelHostname:   a.cfg.Node,
		corev1.LabelOSStable:   runtime.GOOS,
		corev1.LabelArchStable: runtime.GOARCH,
	}}}
	if _, err := a.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("registering: %w", err)
	}
	if err := a.renewLease(ctx); err != nil {
		return fmt.Errorf("making the lease: %w", err)
	}
	if err := a.reportNode(ctx); err != nil {
		return fmt.Errorf("reporting its status: %w", err)
	}
	return nil
}

// heartbeat keeps the node Ready.
func (a *Agent) heartbeat() {
	for next := time.Now().Add(statusInterval); wait(a.ctx, leaseInterval); {
		a.retry(a.ctx, "renewing the node's lease", a.renewLease)
		if time.Now().After(next) {
			next = time.Now().Add(statusInterval)
			a.retry(a.ctx, "reporting the node's status", a.reportNode)
		}
	}
}

func (a *Agent) renewLease(ctx context.Context) error {
	leases := a.client.CoordinationV1().Leases(leaseNamespace)
	seconds, now := int32(leaseDuration/time.Second), metav1.NowMicro()
	spec := coordinationv1.LeaseSpec{HolderIdentity: &a.cfg.Node, LeaseDurationSeconds: &seconds, RenewTime: &now}
	lease, err := leases.Get(ctx, a.cfg.Node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: a.cfg.Node}, Spec: spec}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec = spec
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

func (a *Agent) reportNode(ctx context.Context) error {
	patch, err := json.Marshal(map[string]any{"status": a.nodeStatus()})
	if err != nil {
		return err
	}
	_, err = a.client.CoreV1().Nodes().Patch(ctx, a.cfg.Node, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func (a *Agent) nodeStatus() corev1.NodeStatus {
	now := metav1.Now()
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	resources := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(totalMemory(), resource.BinarySI),
		corev1.ResourcePods:   *resource.NewQuantity(110, resource.DecimalSI),
	}
	return corev1.NodeStatus{
		Capacity: resources, Allocatable: resources,
		Conditions: []corev1.NodeCondition{
			condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "NotMeasured", "the node agent does not measure it"),
			condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "NotMeasured", "the node agent does not measure it"),
			condition(corev1.NodePIDPressure, corev1.ConditionFalse, "NotMeasured", "the node agent does not measure it"),
			condition(corev1.NodeReady, corev1.ConditionTrue, "AgentReady", "the node agent runs pods as processes of its host"),
		},
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: a.cfg.Address},
			{Type: corev1.NodeHostName, Address: a.cfg.Node},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: a.server.port}},
		NodeInfo: corev1.NodeSystemInfo{
			KernelVersion: kernelVersion(), OSImage: osImage(),
			OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
			ContainerRuntimeVersion: runtimeName + "://1",
			KubeletVersion:          "v" + a.cfg.KubernetesVersion + "+embedded",
		},
	}
}

func totalMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit) //nolint:gosec // G115: no machine has 2^63 bytes of memory
}

func kernelVersion() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}

// osImage is the host's name of itself (os-release(5)).
func osImage() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"`)
		}
	}
	return runtime.GOOS
}
