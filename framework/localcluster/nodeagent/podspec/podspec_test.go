package podspec

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

var known = map[string]string{"A": "1", "B": "two words", "EMPTY": ""}

func lookUp(name string) (string, bool) {
	v, ok := known[name]
	return v, ok
}

func TestExpand(t *testing.T) {
	for input, want := range map[string]string{
		"":                 "",
		"plain":            "plain",
		"$(A)":             "1",
		"x$(A)y$(B)z":      "x1ytwo wordsz",
		"$(EMPTY)|":        "|",
		"$(UNKNOWN)":       "$(UNKNOWN)",
		"$$(A)":            "$(A)",
		"$$$(A)":           "$1",
		"$A ${A}":          "$A ${A}",
		"$(A":              "$(A",
		"$":                "$",
		"$$":               "$",
		"$()":              "$()",
		"$(A)$(A)":         "11",
		"$($(A))":          "$($(A))",
		"curl $(A) | sh $": "curl 1 | sh $",
	} {
		if got := Expand(input, lookUp); got != want {
			t.Errorf("%q: %q, want %q", input, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"$(A)", "$$(A)", "$(", "$(A$(B)", ")$("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		got := Expand(input, lookUp)
		if !strings.Contains(input, "$") && got != input {
			t.Errorf("%q without a reference became %q", input, got)
		}
		// With no names known only $$ is rewritten.
		none := Expand(input, func(string) (string, bool) { return "", false })
		if len(none) > len(input) || len(none) < len(input)-strings.Count(input, "$$") {
			t.Errorf("%q became %q", input, none)
		}
	})
}

func TestUnsupported(t *testing.T) {
	yes, no, sixty := true, false, int64(60)
	for _, tc := range []struct {
		name string
		edit func(*corev1.Pod)
		want string
	}{
		{"the tutorial's pod", func(*corev1.Pod) {}, ""},
		{"tuning", func(p *corev1.Pod) {
			p.Spec.DNSPolicy = corev1.DNSClusterFirst
			p.Spec.Containers[0].ImagePullPolicy = corev1.PullAlways
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80}}
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
		}, ""},
		{"host network", func(p *corev1.Pod) { p.Spec.HostNetwork = true }, "spec.hostNetwork"},
		{"init container", func(p *corev1.Pod) { p.Spec.InitContainers = make([]corev1.Container, 1) }, "spec.initContainers"},
		{"deadline", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = &sixty }, "spec.activeDeadlineSeconds"},
		{"group of files", func(p *corev1.Pod) { p.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: &sixty} }, "spec.securityContext.fsGroup"},
		{"host path", func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "h", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}}}
		}, "spec.volumes[h]"},
		{"cluster trust bundle", func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "b", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{}}}}}}}
		}, "spec.volumes[b]"},
		{"probe", func(p *corev1.Pod) { p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{} }, "spec.containers[main].readinessProbe"},
		{"sub path", func(p *corev1.Pod) {
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{SubPath: "x"}}
		}, "spec.containers[main].volumeMounts.subPath"},
		{"privileged", func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &yes}
		}, "spec.containers[main].securityContext.privileged"},
		{"resource field", func(p *corev1.Pod) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{}}}}
		}, "spec.containers[main].env[CPU].valueFrom"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
			tc.edit(pod)
			got := strings.Join(Unsupported(pod), "; ")
			if (tc.want == "" && got != "") || !strings.HasPrefix(got, tc.want) {
				t.Errorf("refused for %q, want %q", got, tc.want)
			}
		})
	}
}

func TestReadCommand(t *testing.T) {
	yes := true
	client := fake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cm", Namespace: "ns"}, Data: map[string]string{"a": "1"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "ns"}, Data: map[string][]byte{"k": []byte("v")}})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}, Status: corev1.PodStatus{PodIP: "10.0.0.1"}}
	secret := func(name, key string, optional *bool) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: optional}}
	}
	for _, tc := range []struct {
		name    string
		env     []corev1.EnvVar
		want    string
		wantErr string
	}{
		{"own value wins over the base", []corev1.EnvVar{{Name: "BASE", Value: "$(BASE)2"}}, "BASE=b2 P_a=1", ""},
		{"later names see earlier ones", []corev1.EnvVar{{Name: "X", Value: "$(P_a)"}, {Name: "Y", Value: "$(X)$(Z)"}}, "BASE=b P_a=1 X=1 Y=1$(Z)", ""},
		{"secret", []corev1.EnvVar{{Name: "K", ValueFrom: secret("s", "k", nil)}}, "BASE=b K=v P_a=1", ""},
		{"a key that is not there", []corev1.EnvVar{{Name: "K", ValueFrom: secret("s", "no", nil)}}, "", "has no key no"},
		{"an optional key", []corev1.EnvVar{{Name: "K", ValueFrom: secret("s", "no", &yes)}}, "BASE=b P_a=1", ""},
		{"an optional secret", []corev1.EnvVar{{Name: "K", ValueFrom: secret("none", "k", &yes)}}, "BASE=b P_a=1", ""},
		{"a secret that is not there", []corev1.EnvVar{{Name: "K", ValueFrom: secret("none", "k", nil)}}, "", "not found"},
		{"field", []corev1.EnvVar{{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}}, "BASE=b IP=10.0.0.1 P_a=1", ""},
		{"a field that is not there", []corev1.EnvVar{{Name: "F", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nope"}}}}, "", "spec.nope"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &corev1.Container{Env: tc.env, EnvFrom: []corev1.EnvFromSource{{Prefix: "P_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}}},
				Command: []string{"sh", "-c"}, Args: []string{"echo $(BASE) $$(BASE)"}}
			got, err := ReadCommand(t.Context(), client, pod, c, map[string]string{"BASE": "b"})
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("%v, want %q", err, tc.wantErr)
				}
				return
			}
			if err != nil || strings.Join(got.Env, " ") != tc.want {
				t.Errorf("%v (%v), want %s", got.Env, err, tc.want)
			}
			if last := got.Args[2]; !strings.HasSuffix(last, " $(BASE)") || strings.HasPrefix(last, "echo $") {
				t.Errorf("the arguments are %q", got.Args)
			}
		})
	}
}

func TestField(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: map[string]string{"b": `q"`, "a.b/c": "1"}}}
	for path, want := range map[string]string{
		"metadata.name": "p", "metadata.labels": "a.b/c=\"1\"\nb=\"q\\\"\"", "metadata.labels['a.b/c']": "1", "metadata.annotations['none']": "",
	} {
		if got, err := Field(pod, path); err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"", "metadata", "metadata.labels['x", "spec.containers", "metadata.name['x']"} {
		if got, err := Field(pod, path); err == nil {
			t.Errorf("%s: %q, want an error", path, got)
		}
	}
}
