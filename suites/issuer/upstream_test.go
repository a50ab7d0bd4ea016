package issuer

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
	"github.com/wlif-conformance/wlif-conformance/manifests"
)

// An engine whose nodes reach no registry has the image under the name that the
// check's pod asks for.
func TestUpstreamImageIsThere(t *testing.T) {
	if !slices.Contains(nodeimage.Workloads(), upstreamImage) {
		t.Errorf("%s is none of %v", upstreamImage, nodeimage.Workloads())
	}
}

func TestUpstreamPod(t *testing.T) {
	text, err := manifests.Fill(manifests.Pod, map[string]string{manifests.IssuerPlaceholder: "https://issuer.example"})
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := yaml.Unmarshal([]byte(text), &pod); err != nil {
		t.Fatal(err)
	}
	upstream(&pod)
	container, token := pod.Spec.Containers[0], pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken
	if token.Audience != upstreamAudience || *token.ExpirationSeconds != 600 || pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("token %+v, restart policy %s", token, pod.Spec.RestartPolicy)
	}
	if file := container.VolumeMounts[0].MountPath + "/" + token.Path; !slices.Contains(container.Args, file) || container.Image != upstreamImage {
		t.Errorf("the image %s is given %v, the token is in %s", container.Image, container.Args, file)
	}
}

func TestOutcomeOfAProgram(t *testing.T) {
	terminated := func(code, signal int32) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: "nginx", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Signal: signal}}}}
	}
	for name, tc := range map[string]struct {
		statuses []corev1.ContainerStatus
		want     string
	}{
		"satisfied":           {terminated(0, 0), succeeded},
		"not satisfied":       {terminated(1, 0), failed},
		"no such program":     {terminated(128, 0), ""},
		"killed":              {terminated(137, 0), ""},
		"ended by a signal":   {terminated(1, 9), ""},
		"evicted":             {nil, ""},
		"never seen to start": {[]corev1.ContainerStatus{{Name: "nginx"}}, ""},
	} {
		pod := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", ContainerStatuses: tc.statuses}}
		got, err := outcomeOf(pod)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), "Evicted") {
			t.Errorf("%s: %v does not say why", name, err)
		}
	}
}

func TestLastWords(t *testing.T) {
	const first = "2026/11/21 22:50:01 OK: Got token\n"
	for name, tc := range map[string]struct{ log, want string }{
		"one line":           {first, "OK: Got token"},
		"the last one":       {first + "2026/11/21 22:50:02 404 Not Found: none\n", "404 Not Found: none"},
		"a page as answer":   {first + "2026/11/21 22:50:02 404 Not Found: <Error>\n  <Code>x</Code>\n</Error>\n", "404 Not Found: <Error>"},
		"claims":             {first + "2026/11/21 22:50:02 Full, validated claims: \n&claims{a: 1}\n", "Full, validated claims:"},
		"a time in a line":   {"2026/11/21 22:50:02 expired at 2026/11/21 22:50:01 UTC\n", "expired at 2026/11/21 22:50:01 UTC"},
		"of another library": {"panic: oh\n\ngoroutine 1", "panic: oh"},
		"nothing":            {"", ""},
	} {
		if got := lastWords(tc.log); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestNoAnswerDecidesNothing(t *testing.T) {
	for words, want := range map[string]bool{
		`Get "https://issuer.example/.well-known/openid-configuration": dial tcp: lookup issuer.example on 10.96.0.10:53: no such host`: true,
		`failed to verify signature: fetching keys oidc: get keys failed Get "https://issuer.example/keys": EOF`:                        true,
		`failed to verify signature: fetching keys oidc: get keys failed: 503 Service Unavailable busy`:                                 true,
		`502 Bad Gateway: `:                  true,
		`404 Not Found: {"code":5}`:          false,
		`403 Forbidden: 500 is not the code`: false,
		`failed to verify signature: fetching keys oidc: get keys failed: 404 Not Found none`:                              false,
		`failed to verify signature: failed to verify id token signature`:                                                  false,
		`oidc: issuer did not match the issuer returned by provider, expected "https://a.example" got "https://b.example"`: false,
		`oidc: expected audience "oidc-discovery-test" got ["x"]`:                                                          false,
	} {
		if got := unanswered.MatchString(words); got != want {
			t.Errorf("%s: %t", words, got)
		}
	}
}
