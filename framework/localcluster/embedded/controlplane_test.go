package embedded_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
)

const serviceAccountUser = "system:serviceaccount:default:default"

func TestTokensCarryTheIssuer(t *testing.T) {
	const issuer = "https://shared.example/issuer"
	got := claimsOf(t, requestToken(t, shared))
	if got.Issuer != issuer || !slices.Equal(got.Audience, []string{issuer}) || got.Subject != serviceAccountUser {
		t.Errorf("claims %+v, want the issuer %s as iss and aud", got, issuer)
	}
	keys, err := shared.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(keys, &set); err != nil || len(set.Keys) != 1 || set.Keys[0]["kty"] != "RSA" {
		t.Errorf("the key set is %s (%v), want one RSA key", keys, err)
	}
}

func TestSetIssuersKeepsFormerTokensValid(t *testing.T) {
	const former, latter = "https://one.example", "https://two.example"
	cluster := startCluster(t, localcluster.Spec{Issuers: []string{former}})
	keys, err := cluster.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old := requestToken(t, cluster)
	if err := cluster.SetIssuers(t.Context(), []string{latter, former}); err != nil {
		t.Fatal(err)
	}
	fresh := requestToken(t, cluster)
	if got := claimsOf(t, fresh); got.Issuer != latter || !slices.Contains(got.Audience, latter) {
		t.Errorf("claims after the change: %+v, want iss and aud %s", got, latter)
	}
	for name, token := range map[string]string{"old": old, "new": fresh} {
		if user, err := whoami(t, cluster, token); user != serviceAccountUser {
			t.Errorf("the %s token is of %q (%v)", name, user, err)
		}
	}
	if again, err := cluster.JWKS(t.Context()); err != nil || string(again) != string(keys) {
		t.Errorf("the key set changed from %s to %s (%v)", keys, again, err)
	}

	if err := cluster.SetIssuers(t.Context(), []string{latter}); err != nil {
		t.Fatal(err)
	}
	if user, err := whoami(t, cluster, old); !apierrors.IsUnauthorized(err) {
		t.Errorf("a token of an issuer that is gone is of %q (%v), want 401", user, err)
	}
	if user, err := whoami(t, cluster, fresh); user != serviceAccountUser {
		t.Errorf("the new token is of %q (%v)", user, err)
	}
}

func TestAResumedClusterKeepsItsDataAndKeys(t *testing.T) {
	dir := t.TempDir()
	first := startCluster(t, localcluster.Spec{Dir: dir})
	token := requestToken(t, first)
	marker := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "marker"}}
	if _, err := clientFor(t, first.Admin()).CoreV1().ConfigMaps("default").Create(t.Context(), marker, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Delete(t.Context()); err != nil {
		t.Errorf("the second Delete: %v", err)
	}
	second := startCluster(t, localcluster.Spec{Dir: dir})
	if second.Endpoint() != first.Endpoint() {
		t.Errorf("the endpoint moved from %s to %s", first.Endpoint(), second.Endpoint())
	}
	if _, err := clientFor(t, first.Admin()).CoreV1().ConfigMaps("default").Get(t.Context(), "marker", metav1.GetOptions{}); err != nil {
		t.Errorf("the former administrator reads the former object: %v", err)
	}
	if user, err := whoami(t, second, token); user != serviceAccountUser {
		t.Errorf("the former token is of %q (%v)", user, err)
	}
	// Its controller manager works by now: one that had only started would end with the API server.
	if err := second.SetIssuers(t.Context(), []string{"https://other.example"}); err != nil {
		t.Errorf("other issuers at once: %v", err)
	}
}

func TestTheWebhookAuthenticatesUnknownTokens(t *testing.T) {
	webhook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review authenticationv1.TokenReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
		}
		review.Status = authenticationv1.TokenReviewStatus{}
		if review.Spec.Token == "t1.good" {
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true,
				User: authenticationv1.UserInfo{Username: "cloud-user", Groups: []string{"system:masters"}}}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(webhook.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: webhook.Certificate().Raw})
	cluster := startCluster(t, localcluster.Spec{Authenticator: &localcluster.Authenticator{URL: webhook.URL, CA: ca}})

	if user, err := whoami(t, cluster, "t1.good"); user != "cloud-user" {
		t.Errorf("the good token is of %q (%v)", user, err)
	}
	if user, err := whoami(t, cluster, "t1.bad"); !apierrors.IsUnauthorized(err) {
		t.Errorf("the bad token is of %q (%v), want 401", user, err)
	}
	if user, err := whoami(t, cluster, requestToken(t, cluster)); user != serviceAccountUser {
		t.Errorf("a service account's token is of %q (%v)", user, err)
	}
}

func TestTwoClustersAtOnce(t *testing.T) {
	other := startCluster(t, localcluster.Spec{})
	if other.Endpoint() == shared.Endpoint() {
		t.Fatalf("both are at %s", other.Endpoint())
	}
	if user, err := whoami(t, other, requestToken(t, shared)); !apierrors.IsUnauthorized(err) {
		t.Errorf("one cluster takes the other's token for %q (%v)", user, err)
	}
}

func TestStartReportsAComponentThatDies(t *testing.T) {
	dir := t.TempDir()
	// etcd refuses a data folder that is a file.
	if err := os.WriteFile(filepath.Join(dir, "etcd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.Engine{}.Start(t.Context(), localcluster.Spec{Name: "broken", Version: testVersion, Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "etcd ended by itself") {
		t.Errorf("got %v, want the death of etcd with the end of its log", err)
	}
}

func TestUnknownVersion(t *testing.T) {
	_, err := embedded.Engine{}.Start(t.Context(), localcluster.Spec{Name: "old", Version: "1.29", Dir: t.TempDir()})
	var unknown *localcluster.UnknownVersionError
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Known, "1.36.3") {
		t.Errorf("got %v, want an *UnknownVersionError with the known versions", err)
	}
}
