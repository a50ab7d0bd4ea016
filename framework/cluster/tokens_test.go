package cluster

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// tokenAPI answers the calls about tokens with what each test wants.
func tokenAPI(t *testing.T, path string, answer func(body map[string]any) (int, any)) *Cluster {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != path {
			refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
			return
		}
		var body map[string]any
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
		}
		status, value := answer(body)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value)
	}))
	t.Cleanup(server.Close)
	c, err := FromConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const tokenPath = "/api/v1/namespaces/ns/serviceaccounts/wlif/token"

func TestRequestToken(t *testing.T) {
	expires := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var spec map[string]any
	c := tokenAPI(t, tokenPath, func(body map[string]any) (int, any) {
		spec = body["spec"].(map[string]any)
		return http.StatusCreated, authenticationv1.TokenRequest{
			TypeMeta: metav1.TypeMeta{Kind: "TokenRequest", APIVersion: "authentication.k8s.io/v1"},
			Status:   authenticationv1.TokenRequestStatus{Token: "canary", ExpirationTimestamp: metav1.NewTime(expires)},
		}
	})
	got, err := c.RequestToken(t.Context(), "ns", "wlif", TokenSpec{})
	if err != nil || got.Token.Reveal() != "canary" || !got.Expires.Equal(expires) {
		t.Fatalf("%v, %v", got, err)
	}
	if spec["boundObjectRef"] != nil || spec["audiences"] != nil {
		t.Errorf("asked for %v, want nothing in particular", spec)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "u"}}
	if _, err := c.RequestToken(t.Context(), "ns", "wlif", TokenSpec{Audiences: []string{"a"}, Seconds: 700, Pod: pod}); err != nil {
		t.Fatal(err)
	}
	bound, _ := spec["boundObjectRef"].(map[string]any)
	if bound["name"] != "p" || bound["uid"] != "u" || bound["kind"] != "Pod" || spec["expirationSeconds"] != 700.0 || spec["audiences"].([]any)[0] != "a" {
		t.Errorf("asked for %v", spec)
	}
}

func TestRefusedTokenRequestNamesTheAccount(t *testing.T) {
	c := tokenAPI(t, tokenPath, func(map[string]any) (int, any) {
		return http.StatusUnprocessableEntity, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonInvalid, Code: 422}
	})
	_, err := c.RequestToken(t.Context(), "ns", "wlif", TokenSpec{Seconds: 1})
	if err == nil || !strings.Contains(err.Error(), "service account wlif in ns") || !Permanent(err) || EngineFault(err) {
		t.Errorf("error = %v", err)
	}
}

func TestReviewToken(t *testing.T) {
	c := tokenAPI(t, "/apis/authentication.k8s.io/v1/tokenreviews", func(body map[string]any) (int, any) {
		spec := body["spec"].(map[string]any)
		return http.StatusCreated, authenticationv1.TokenReview{
			TypeMeta: metav1.TypeMeta{Kind: "TokenReview", APIVersion: "authentication.k8s.io/v1"},
			Status:   authenticationv1.TokenReviewStatus{Authenticated: spec["token"] == "good" && spec["audiences"].([]any)[0] == "a"},
		}
	})
	for _, token := range []exchange.Token{"good", "bad"} {
		if got, err := c.ReviewToken(t.Context(), token, "a"); err != nil || got.Authenticated != (token == "good") {
			t.Errorf("%s token: %v, %v", token.Reveal(), got, err)
		}
	}
}

func TestPublishedByTheAPIServer(t *testing.T) {
	for path, ask := range map[string]func(*Cluster, context.Context) ([]byte, error){
		"/openid/v1/jwks": (*Cluster).SigningKeys, "/.well-known/openid-configuration": (*Cluster).Discovery,
	} {
		c := tokenAPI(t, path, func(map[string]any) (int, any) { return http.StatusOK, map[string]any{"at": path} })
		if raw, err := ask(c, t.Context()); err != nil || !strings.Contains(string(raw), path) {
			t.Errorf("%s: %s, %v", path, raw, err)
		}
		c = tokenAPI(t, "/elsewhere", nil)
		if _, err := ask(c, t.Context()); err == nil {
			t.Errorf("%s: read what is not there", path)
		}
	}
}
