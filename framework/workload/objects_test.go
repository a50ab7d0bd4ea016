package workload

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// stopsTrying says whether Eventually would give up on the error.
func stopsTrying(err error) bool {
	var stop gomega.PollingSignalError
	return errors.As(err, &stop)
}

func TestPodGetter(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer any
		stops  bool
		want   string
	}{
		{"running", pod(corev1.PodRunning, true), false, ""},
		{"pending", pod(corev1.PodPending, false), false, ""},
		{"ended", pod(corev1.PodFailed, false), true, "has ended"},
		{"missing", 404, true, "reading the pod p"},
		{"forbidden", 403, true, "reading the pod p"},
		{"server fault", 500, false, "reading the pod p"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, c := startFake(t)
			f.set("/api/v1/namespaces/ns/pods/p", tc.answer)
			got, err := Pod(c, "ns", "p")(t.Context())
			if (err == nil) != (tc.want == "") || (err == nil) == (got == nil) {
				t.Fatalf("pod %v, %v", got, err)
			}
			if err != nil && (stopsTrying(err) != tc.stops || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, stops %v", err, stopsTrying(err))
			}
		})
	}
}

func TestPresenceGetter(t *testing.T) {
	f, c := startFake(t)
	if got, err := Presence(c, &corev1.Pod{}, "ns", "p")(t.Context()); err != nil || got != cluster.Absent {
		t.Errorf("%s, %v", got, err)
	}
	f.set("/api/v1/namespaces/ns/pods/p", pod(corev1.PodRunning, true))
	if got, err := Presence(c, &corev1.Pod{}, "ns", "p")(t.Context()); err != nil || got != cluster.Present {
		t.Errorf("%s, %v", got, err)
	}
	f.set("/api/v1/namespaces/ns/pods/p", 500)
	if _, err := Presence(c, &corev1.Pod{}, "ns", "p")(t.Context()); err == nil || stopsTrying(err) {
		t.Errorf("error = %v", err)
	}
}

func TestBeRunning(t *testing.T) {
	matcher := BeRunning()
	for _, tc := range []struct {
		phase corev1.PodPhase
		ready bool
		want  bool
	}{{corev1.PodRunning, true, true}, {corev1.PodRunning, false, false}, {corev1.PodPending, true, false}} {
		p := pod(tc.phase, tc.ready)
		if got, err := matcher.Match(&p); got != tc.want || err != nil {
			t.Errorf("%s, ready %v: %v, %v", tc.phase, tc.ready, got, err)
		}
	}
	if _, err := matcher.Match("pod"); err == nil {
		t.Error("a string was accepted")
	}
	p := pod(corev1.PodPending, false)
	p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "no node"}}
	for _, want := range []string{"Pending", "ErrImagePull", "no such image", "no node"} {
		if message := matcher.FailureMessage(&p); !strings.Contains(message, want) {
			t.Errorf("%q lacks %q", message, want)
		}
	}
}

func TestEndingPod(t *testing.T) {
	matcher := HaveEnded()
	for phase, want := range map[corev1.PodPhase]bool{corev1.PodPending: false, corev1.PodRunning: false, corev1.PodSucceeded: true, corev1.PodFailed: true} {
		f, c := startFake(t)
		f.set("/api/v1/namespaces/ns/pods/p", pod(phase, false))
		p, err := EndingPod(c, "ns", "p")(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := matcher.Match(p); got != want || err != nil {
			t.Errorf("%s: %v, %v", phase, got, err)
		}
		if message := matcher.FailureMessage(p); !strings.Contains(message, "pod p in ns") || !strings.Contains(message, string(phase)) {
			t.Errorf("%s: %q", phase, message)
		}
	}
	_, c := startFake(t)
	if _, err := EndingPod(c, "ns", "p")(t.Context()); !stopsTrying(err) {
		t.Errorf("missing: %v", err)
	}
	if _, err := matcher.Match("pod"); err == nil {
		t.Error("a string was accepted")
	}
	if _, err := Log(t.Context(), c, "ns", "p", "nginx"); err == nil || !strings.Contains(err.Error(), "container nginx of the pod p in ns") {
		t.Errorf("no log: %v", err)
	}
}

func TestDiagnoseKeepsWhatItCan(t *testing.T) {
	f, c := startFake(t)
	f.set("/api/v1/namespaces/ns/pods/p", pod(corev1.PodRunning, true))
	f.set("/api/v1/namespaces/ns/events", corev1.EventList{})
	f.set("/api/v1/namespaces/ns/pods/p/log", "started with t1.9euelZqZlJyX and ended\n")
	f.set("/api/v1/nodes", 403)
	dir := filepath.Join(t.TempDir(), "evidence")
	files, err := Diagnose(t.Context(), c, "ns", "p", dir, &redact.Redactor{})
	if err == nil || !strings.Contains(err.Error(), "keeping nodes.yaml") {
		t.Errorf("error = %v", err)
	}
	if len(files) != 3 {
		t.Fatalf("files = %v", files)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log-nginx.txt"))
	if err != nil || string(log) != "started with [redacted: IAM token] and ended\n" {
		t.Errorf("log = %q, %v", log, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestCreatePodRefusesAnotherManifest(t *testing.T) {
	_, c := startFake(t)
	if _, err := CreatePod(t.Context(), c, "kind: [", "ns"); err == nil {
		t.Error("a broken manifest was accepted")
	}
	if _, err := CreatePod(t.Context(), c, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n", "ns"); err == nil || !strings.Contains(err.Error(), "creating the pod p in ns") {
		t.Errorf("error = %v", err)
	}
}
