package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWriteReplacesAllAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := func(content string) File { return File{Content: []byte(content), Mode: 0o640} }
	if err := Write(dir, map[string]File{"a": file("1"), "sub/b": file("2")}); err != nil {
		t.Fatal(err)
	}
	first, err := os.Readlink(filepath.Join(dir, "..data"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "a")) + read(t, filepath.Join(dir, "sub/b")); got != "12" {
		t.Errorf("the files hold %q", got)
	}
	if info, err := os.Stat(filepath.Join(dir, "a")); err != nil || info.Mode() != 0o640 {
		t.Errorf("the mode is %v (%v)", info.Mode(), err)
	}
	if err := Write(dir, map[string]File{"a": file("1"), "sub/b": file("2")}); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.Readlink(filepath.Join(dir, "..data")); again != first {
		t.Error("the same contents were written again")
	}
	open, err := os.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	if err := Write(dir, map[string]File{"a": file("one"), "c": file("3")}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "a")) + read(t, filepath.Join(dir, "c")); got != "one3" {
		t.Errorf("the files hold %q", got)
	}
	if _, err := os.Lstat(filepath.Join(dir, "sub")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone is still there: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, first)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old contents are still there: %v", err)
	}
	buf := make([]byte, 4)
	if n, _ := open.Read(buf); string(buf[:n]) != "1" {
		t.Errorf("an open file changed to %q", buf[:n])
	}
}

func TestWriteRefusesToLeaveTheVolume(t *testing.T) {
	for _, path := range []string{"../x", "/etc/x", "a/../../x", "..data", "..x/y", ""} {
		if err := Write(t.TempDir(), map[string]File{path: {}}); err == nil {
			t.Errorf("%q was written", path)
		}
	}
}

// tokens answers TokenRequests with numbered tokens.
type tokens struct {
	client *fake.Clientset
	asked  []authenticationv1.TokenRequestSpec
	fail   error
}

func newTokens(now func() time.Time) *tokens {
	s := &tokens{client: fake.NewClientset()}
	s.client.PrependReactor("create", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if s.fail != nil {
			return true, nil, s.fail
		}
		request := action.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenRequest).DeepCopy()
		s.asked = append(s.asked, request.Spec)
		request.Status.Token = fmt.Sprint("token-", len(s.asked))
		request.Status.ExpirationTimestamp = metav1.NewTime(now().Add(time.Duration(*request.Spec.ExpirationSeconds) * time.Second))
		return true, request, nil
	})
	return s
}

func TestTokensAreRenewedAsTheKubeletDoes(t *testing.T) {
	for _, tc := range []struct {
		name     string
		lifetime time.Duration
		renew    time.Duration
	}{
		{"80 percent of two hours", 2 * time.Hour, 96 * time.Minute},
		{"80 percent of the shortest", 10 * time.Minute, 8 * time.Minute},
		{"a day of a long one", 10 * 24 * time.Hour, 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock := clocktesting.NewFakePassiveClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
			began := clock.Now()
			server := newTokens(clock.Now)
			source := &Source{Client: server.client, Clock: clock}
			seconds := int64(tc.lifetime / time.Second)
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u"}, Spec: corev1.PodSpec{ServiceAccountName: "sa"}}
			v := &corev1.Volume{Name: "t", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", Audience: "aud", ExpirationSeconds: &seconds}}}}}}
			dir := t.TempDir()
			fill := func(at time.Duration) (string, time.Time) {
				t.Helper()
				clock.SetTime(began.Add(at))
				next, err := source.Fill(t.Context(), pod, v, dir)
				if err != nil {
					t.Fatal(err)
				}
				return read(t, filepath.Join(dir, "token")), next
			}
			if got, _ := fill(0); got != "token-1" {
				t.Fatalf("at first %s", got)
			}
			if got, next := fill(tc.renew - time.Second); got != "token-1" || !next.Equal(began.Add(tc.renew)) {
				t.Errorf("just before the renewal: %s, next at %s", got, next.Sub(began))
			}
			server.fail = errors.New("the API server is restarting")
			if got, _ := fill(tc.renew); got != "token-1" {
				t.Errorf("while the API server is away: %s", got)
			}
			server.fail = nil
			if got, _ := fill(tc.renew + renewRetry); got != "token-2" {
				t.Errorf("after the renewal: %s", got)
			}
			for _, spec := range server.asked {
				if len(spec.Audiences) != 1 || spec.Audiences[0] != "aud" || *spec.ExpirationSeconds != seconds ||
					spec.BoundObjectRef == nil || spec.BoundObjectRef.UID != "u" || spec.BoundObjectRef.Kind != "Pod" {
					t.Errorf("asked for %+v", spec)
				}
			}
		})
	}
}

func TestAnExpiredTokenIsNotKept(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	server := newTokens(clock.Now)
	source := &Source{Client: server.client, Clock: clock}
	seconds := int64(600)
	pod := &corev1.Pod{Spec: corev1.PodSpec{ServiceAccountName: "sa"}}
	p := &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &seconds}
	if _, err := source.token(t.Context(), pod, p); err != nil {
		t.Fatal(err)
	}
	server.fail = errors.New("gone")
	clock.SetTime(clock.Now().Add(601 * time.Second))
	if got, err := source.token(t.Context(), pod, p); err == nil {
		t.Errorf("the expired token %+v was kept", got)
	}
	if audiences := server.asked[0].Audiences; audiences != nil {
		t.Errorf("without an audience the token was asked for %v, not for the default", audiences)
	}
}

func TestConfigMapsAndSecrets(t *testing.T) {
	yes, mode := true, int32(0o400)
	client := fake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cm", Namespace: "ns"}, Data: map[string]string{"a": "1", "b": "2"}, BinaryData: map[string][]byte{"c": {0}}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "ns"}, Data: map[string][]byte{"k": []byte("v")}})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}}
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	for _, tc := range []struct {
		name   string
		source corev1.VolumeSource
		want   map[string]string
		fails  bool
	}{
		{"all keys", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("cm")}}, map[string]string{"a": "1", "b": "2", "c": "\x00"}, false},
		{"one key elsewhere", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("cm"), Items: []corev1.KeyToPath{{Key: "b", Path: "x/y"}}}}, map[string]string{"x/y": "2"}, false},
		{"a key that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("cm"), Items: []corev1.KeyToPath{{Key: "z", Path: "z"}}}}, nil, true},
		{"none", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "none"}}, nil, true},
		{"an optional one", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "none", Optional: &yes}}, map[string]string{}, false},
		{"a secret with a mode", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s", DefaultMode: &mode}}, map[string]string{"k": "v"}, false},
		{"projected", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: named("s")}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("cm"), Items: []corev1.KeyToPath{{Key: "a", Path: "a"}}}}}}}, map[string]string{"k": "v", "a": "1"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			source := &Source{Client: client, Clock: clocktesting.NewFakePassiveClock(time.Now())}
			dir := t.TempDir()
			_, err := source.Fill(t.Context(), pod, &corev1.Volume{Name: "v", VolumeSource: tc.source}, dir)
			if (err != nil) != tc.fails {
				t.Fatalf("%v, want an error: %t", err, tc.fails)
			}
			for path, want := range tc.want {
				if got := read(t, filepath.Join(dir, path)); got != want {
					t.Errorf("%s holds %q, want %q", path, got, want)
				}
			}
		})
	}
}
