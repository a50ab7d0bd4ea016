package embedded_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
)

// testVersion is what the tests run on: the newest, or what the variable says. Making
// another one's binaries takes minutes.
var testVersion = cmp.Or(os.Getenv("EMBEDDED_TEST_VERSION"), "1.36")

// shared is one cluster for the tests that leave it as it is.
var shared localcluster.Cluster

// nodesPossible is why shared has no node: who runs the tests is not root.
var nodesPossible error

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimVariable); dir != "" {
		fmt.Fprintln(os.Stderr, beVictim(dir))
		os.Exit(1)
	}
	code, err := withCluster(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withCluster(m *testing.M) (code int, err error) {
	ctx := context.Background() //nolint:forbidigo // TestMain is given none
	dir, err := os.MkdirTemp("", "embedded-test-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say := func(line string) { fmt.Fprintln(os.Stderr, line) }
	if err := (embedded.Engine{}).Prepare(ctx, testVersion, say); err != nil {
		return 1, err
	}
	shared, err = embedded.Engine{}.Start(ctx, localcluster.Spec{
		Name: "shared", Version: testVersion, Dir: dir, Log: os.Stderr, Issuers: []string{"https://shared.example/issuer"}})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Delete(ctx)) }()
	plain := localcluster.NodeSpec{Name: "plain", Labels: map[string]string{"example.com/pool": "plain"}}
	if _, nodesPossible = shared.AddNode(ctx, plain); nodesPossible != nil {
		fmt.Fprintln(os.Stderr, nodesPossible)
	}
	return m.Run(), nil
}

// startCluster starts a cluster for one test.
func startCluster(t *testing.T, spec localcluster.Spec) localcluster.Cluster {
	t.Helper()
	spec.Version = testVersion
	if spec.Dir == "" {
		spec.Dir = t.TempDir()
	}
	if spec.Name == "" {
		spec.Name = strings.ToLower(filepath.Base(t.Name()))
	}
	cluster, err := embedded.Engine{}.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Delete(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

func clientFor(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// requestToken makes a token of the default service account.
func requestToken(t *testing.T, cluster localcluster.Cluster, audiences ...string) string {
	t.Helper()
	client := clientFor(t, cluster.Admin())
	answer, err := client.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status.Token
}

// whoami is the user that the API server takes a bearer token for.
func whoami(t *testing.T, cluster localcluster.Cluster, token string) (string, error) {
	t.Helper()
	config := rest.AnonymousClientConfig(cluster.Admin())
	config.BearerToken = token
	review, err := clientFor(t, config).AuthenticationV1().SelfSubjectReviews().Create(t.Context(),
		&authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return review.Status.UserInfo.Username, nil
}

type claims struct {
	Issuer   string   `json:"iss"`
	Audience []string `json:"aud"`
	Subject  string   `json:"sub"`
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
}

func claimsOf(t *testing.T, token string) claims {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts, not 3", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c claims
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}
