package workload

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	// The server half of exec, as kubelets have it.
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
)

// fakeAPI answers as an API server does and runs exec on this machine.
type fakeAPI struct {
	mu      sync.Mutex
	answers map[string]any
	// program replaces bash.
	program []string
	// ctx ends with the test, and what exec started with it.
	ctx context.Context
}

func startFake(t *testing.T) (*fakeAPI, *cluster.Cluster) {
	t.Helper()
	f := &fakeAPI{ctx: t.Context(), answers: map[string]any{
		"/api":  metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}},
		"/apis": metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}},
		"/api/v1": metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1",
			APIResources: []metav1.APIResource{{Name: "pods", Kind: "Pod", Namespaced: true}}},
	}}
	server := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(server.Close)
	c, err := cluster.FromConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func (f *fakeAPI) set(path string, answer any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = answer
}

func (f *fakeAPI) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/exec") {
		query := r.URL.Query()
		options := &remotecommand.Options{Stdin: query.Get("stdin") == "true", Stdout: query.Get("stdout") == "true", Stderr: query.Get("stderr") == "true"}
		remotecommand.ServeExec(w, r, f, "", "", "", query["command"], options, time.Minute, time.Minute,
			[]string{"v4.channel.k8s.io"})
		return
	}
	f.mu.Lock()
	answer, there := f.answers[r.URL.Path]
	f.mu.Unlock()
	if text, ok := answer.(string); ok {
		_, _ = io.WriteString(w, text)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status, ok := answer.(int); ok || !there {
		if !there {
			status = http.StatusNotFound
		}
		reason := map[int]metav1.StatusReason{404: metav1.StatusReasonNotFound, 403: metav1.StatusReasonForbidden, 500: metav1.StatusReasonInternalError}[status]
		w.WriteHeader(status)
		answer = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: reason, Code: int32(status)}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// ExecInContainer runs the command on this machine.
func (f *fakeAPI) ExecInContainer(_ context.Context, _, _, _ string, cmd []string, in io.Reader, out, errout io.WriteCloser,
	_ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if f.program != nil {
		cmd = f.program
	}
	command := exec.CommandContext(f.ctx, cmd[0], cmd[1:]...)
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = out, errout
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(stdin, in)
		_ = stdin.Close()
	}()
	return command.Wait()
}

func pod(phase corev1.PodPhase, ready bool) corev1.Pod {
	return corev1.Pod{
		TypeMeta:   metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx"}}},
		Status:     corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "nginx", Ready: ready}}},
	}
}
