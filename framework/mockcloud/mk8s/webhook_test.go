package mk8s_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

const prefix = "/review/"

func review(token string) []byte {
	r := authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	r.APIVersion, r.Kind = "authentication.k8s.io/v1", "TokenReview"
	raw, _ := json.Marshal(r) // strings always marshal
	return raw
}

func (c *cloud) ask(method, path string, body []byte) (int, []byte) {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.k8s.Webhook(prefix).ServeHTTP(w, httptest.NewRequestWithContext(c.t.Context(), method, path, bytes.NewReader(body)))
	return w.Code, w.Body.Bytes()
}

func (c *cloud) lastEntry() audit.Entry {
	all := c.K.Audit.Entries(nil)
	return all[len(all)-1]
}

func TestTokenReview(t *testing.T) {
	c := start(t, false)
	c.create(nil)
	id := c.onlyCluster()
	on := c.Subject()
	c.Grant(on, "k8s.cluster-api.editor", state.Ref{Type: mk8s.KindCluster, ID: id})
	above := c.Subject()
	c.Grant(above, "k8s.cluster-api.cluster-admin", state.Ref{Type: "resource-manager.cloud", ID: c.CloudID})
	elsewhere := c.Subject()
	c.Grant(elsewhere, "k8s.cluster-api.cluster-admin", state.Ref{Type: "resource-manager.folder", ID: c.OtherFolder})
	revoked := c.Token(above)
	if _, err := c.K.Tokens.Revoke(revoked, c.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	viewer := c.Subject("k8s.cluster-api.viewer")
	for name, tc := range map[string]struct {
		token  string
		user   string // "": not authenticated
		groups []string
	}{
		"role on the cluster":        {c.Token(on), on.ID, []string{"yandex-cloud:k8s.cluster-api.editor"}},
		"role on the folder":         {c.Token(viewer), viewer.ID, []string{"yandex-cloud:k8s.cluster-api.viewer"}},
		"role on the cloud":          {c.Token(above), above.ID, []string{"yandex-cloud:k8s.cluster-api.cluster-admin"}},
		"role on another folder":     {c.Token(elsewhere), elsewhere.ID, nil},
		"k8s.admin is no role there": {c.Token(c.Subject("k8s.admin")), "", nil},
		"no token":                   {"", "", nil},
		"no IAM token":               {"eyJhbGciOiJub25lIn0.e30.", "", nil},
		"revoked":                    {revoked, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			code, body := c.ask(http.MethodPost, prefix+id, review(tc.token))
			var got authenticationv1.TokenReview
			if err := json.Unmarshal(body, &got); err != nil || code != http.StatusOK || got.Kind != "TokenReview" {
				t.Fatalf("%d %s", code, body)
			}
			if name == "k8s.admin is no role there" {
				if !got.Status.Authenticated || len(got.Status.User.Groups) > 0 {
					t.Errorf("got %+v", got.Status)
				}
				return
			}
			if got.Status.Authenticated != (tc.user != "") || got.Status.User.Username != tc.user || !slices.Equal(got.Status.User.Groups, tc.groups) {
				t.Errorf("got %+v", got.Status)
			}
			entry := c.lastEntry()
			want := map[bool]string{true: audit.Allowed, false: audit.Refused}[tc.user != ""]
			if entry.Method != "k8s/tokenreview" || entry.Verdict != want || entry.Code != "200" || entry.Resource != mk8s.KindCluster+"/"+id {
				t.Errorf("audited %+v", entry)
			}
			if tc.user == "" && (got.Status.Error != "" || entry.Reason != "token:invalid") {
				t.Errorf("said %q, audited %q", got.Status.Error, entry.Reason)
			}
			if tc.token != "" && bytes.Contains(body, []byte(tc.token)) {
				t.Error("the token is in the answer")
			}
		})
	}
}

func TestBadReviews(t *testing.T) {
	c := start(t, false)
	c.create(nil)
	id, good := c.onlyCluster(), review(c.Token(c.Subject()))
	for name, tc := range map[string]struct {
		method, path string
		body         []byte
		code         int
		reason       string
	}{
		"unknown cluster": {http.MethodPost, prefix + "catx", good, http.StatusNotFound, "not-found:managed-kubernetes.cluster"},
		"other path":      {http.MethodPost, "/elsewhere/" + id, good, http.StatusNotFound, "not-found:managed-kubernetes.cluster"},
		"GET":             {http.MethodGet, prefix + id, nil, http.StatusMethodNotAllowed, "k8s/review-method"},
		"no JSON":         {http.MethodPost, prefix + id, []byte("{"), http.StatusBadRequest, "k8s/review-malformed"},
		"other kind":      {http.MethodPost, prefix + id, bytes.Replace(good, []byte("TokenReview"), []byte("Pod"), 1), http.StatusBadRequest, "k8s/review-malformed"},
		"other version":   {http.MethodPost, prefix + id, bytes.Replace(good, []byte("k8s.io/v1"), []byte("k8s.io/v1beta1"), 1), http.StatusBadRequest, "k8s/review-malformed"},
		"too large":       {http.MethodPost, prefix + id, review(strings.Repeat("x", 70_000)), http.StatusBadRequest, "k8s/review-malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := c.ask(tc.method, tc.path, tc.body); code != tc.code || c.LastReason() != tc.reason {
				t.Errorf("got %d (%s) for %q", code, body, c.LastReason())
			}
		})
	}
}
