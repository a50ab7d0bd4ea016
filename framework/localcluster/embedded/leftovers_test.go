package embedded_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
)

// victimVariable makes a test binary the victim of TestNothingOutlivesThisProcess; its
// value is the cluster's folder.
const victimVariable = "EMBEDDED_TEST_VICTIM"

// beVictim starts a cluster with a node and a pod, says "up" and waits to be killed.
func beVictim(dir string) error {
	ctx := context.Background()
	cluster, err := embedded.Engine{}.Start(ctx, localcluster.Spec{Name: "victim", Version: testVersion, Dir: dir, Log: os.Stderr})
	if err != nil {
		return err
	}
	if _, err := cluster.AddNode(ctx, localcluster.NodeSpec{Name: "n"}); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cluster.Admin())
	if err != nil {
		return err
	}
	pod := podOn("n", "p")
	pod.Spec.Containers[0].Command = []string{"sh", "-c", "trap '' TERM; sleep 100000 & wait"}
	if _, err := client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	watch, err := client.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for range watch.ResultChan() {
		now, err := client.CoreV1().Pods("default").Get(ctx, "p", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if isReady(now) {
			break
		}
	}
	if _, err := fmt.Fprintln(os.Stdout, "up"); err != nil {
		return err
	}
	select {}
}

// process is a process and a way to learn of its end.
type process struct {
	pid, fd int
	command string
}

// descendants opens every process below one.
func descendants(t *testing.T, root int) []process {
	t.Helper()
	parents := map[int]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var pid, parent int
		var state string
		_, rest, _ := strings.Cut(string(raw), ") ")
		pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if _, err := fmt.Sscan(rest, &state, &parent); err == nil {
			parents[pid] = parent
		}
	}
	below := func(pid int) bool {
		for pid > 1 {
			if pid = parents[pid]; pid == root {
				return true
			}
		}
		return false
	}
	var found []process
	for pid := range parents {
		if !below(pid) {
			continue
		}
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			found = append(found, process{pid, fd, strings.ReplaceAll(string(command), "\x00", " ")})
		}
	}
	return found
}

// ended waits for the end of a process. The Go runtime's own signals interrupt a
// poll, which says nothing about the process.
func (p process) ended(within time.Duration) bool {
	for until := time.Now().Add(within); ; {
		left := max(time.Until(until), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n == 1
		}
	}
}

func TestNothingOutlivesThisProcess(t *testing.T) {
	needNode(t)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), self)
	victim.Env = append(os.Environ(), victimVariable+"="+t.TempDir())
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = victim.Process.Kill(); _ = victim.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "up\n" {
		t.Fatalf("the victim said %q (%v)", line, err)
	}
	all := descendants(t, victim.Process.Pid)
	names := map[string]bool{}
	for _, p := range all {
		for _, name := range []string{"etcd ", "kube-apiserver ", "kube-controller-manager ", "kube-scheduler ", "sleep 100000"} {
			if strings.Contains(p.command, name) {
				names[name] = true
			}
		}
	}
	if len(names) != 5 {
		t.Errorf("of the victim's %d descendants only %v are known", len(all), names)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if !p.ended(10 * time.Second) {
			t.Errorf("process %d outlived its parent: %s", p.pid, p.command)
			_ = unix.Kill(p.pid, unix.SIGKILL)
		}
		_ = unix.Close(p.fd)
	}
	if now, err := os.ReadFile("/proc/self/mounts"); err != nil || string(now) != string(mounts) {
		t.Errorf("the mounts are now\n%s(%v) and were\n%s", now, err, mounts)
	}
}

// A user has kubectl.
func TestKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip(err)
	}
	runPod(t, shared, podOn("plain", "for-kubectl"))
	file := filepath.Join(t.TempDir(), "kubeconfig")
	admin := shared.Admin()
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": admin.Host, "certificate-authority-data": admin.CAData}}},
		"users":    []any{map[string]any{"name": "c", "user": map[string]any{"client-certificate-data": admin.CertData, "client-key-data": admin.KeyData}}},
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "user": "c"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		want []string
	}{
		{"get pod for-kubectl", []string{"1/1", "Running"}},
		{"describe pod for-kubectl", []string{"Node:", "plain/127.", "Started", "image-not-run", "kube-api-access"}},
		{"get nodes -o wide", []string{"Ready", "+embedded", "host-processes://"}},
		{"describe node plain", []string{"for-kubectl", "example.com/pool=plain"}},
		{"exec for-kubectl -- id -u", []string{"0"}},
		{"logs for-kubectl", nil},
	} {
		cmd := exec.CommandContext(t.Context(), kubectl, append([]string{"--kubeconfig", file}, strings.Fields(tc.args)...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("kubectl %s: %v\n%s", tc.args, err, out)
		}
		for _, want := range tc.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("kubectl %s: no %q in\n%s", tc.args, want, out)
			}
		}
	}
}
