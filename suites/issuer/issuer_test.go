package issuer

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// What Kubernetes itself decides cannot be spoiled in the mock, so the judgements
// are shown an API server that decides otherwise.
func TestTooShortALifeMustBeRefused(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		status       int
		engine       bool
		says         string
	}{
		{"granted", `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":"canary","expirationTimestamp":"2026-01-01T00:01:00Z"}}`, http.StatusCreated, false, "granted it"},
		{"invalid", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`, http.StatusUnprocessableEntity, false, ""},
		{"forbidden", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`, http.StatusForbidden, false, "wlif in ns"},
		{"failing", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"InternalError","code":500}`, http.StatusInternalServerError, true, "wlif in ns"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.answer)
			}))
			defer server.Close()
			c, err := cluster.FromConfig(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.RequestToken(t.Context(), "ns", "wlif", cluster.TokenSpec{Seconds: 60})
			err = mustBeTooShort(err)
			if (err == nil) != (tc.says == "") || check.EngineFault(err) != tc.engine {
				t.Fatalf("error = %v, an engine fault: %t", err, check.EngineFault(err))
			}
			if err != nil && (!strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestLifeIsThatWhichWasGranted(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	good := exchange.Claims{IssuedAt: now, NotBefore: now, Expires: now.Add(shortest)}
	later := func(c *exchange.Claims, by time.Duration) (issued, notBefore, expires time.Time) {
		return c.IssuedAt.Add(by), c.NotBefore.Add(by), c.Expires.Add(by)
	}
	for _, tc := range []struct {
		name  string
		spoil func(*exchange.Claims)
		want  string
	}{
		{"in order", func(*exchange.Claims) {}, ""},
		{"shorter than asked", func(c *exchange.Claims) { c.IssuedAt = now.Add(time.Minute); c.NotBefore = now.Add(time.Minute) }, ""},
		{"longer than asked", func(c *exchange.Claims) { c.IssuedAt = now.Add(-time.Second); c.NotBefore = c.IssuedAt }, "longer than asked"},
		{"exp before it is said to be", func(c *exchange.Claims) { c.IssuedAt, c.NotBefore, c.Expires = later(c, -time.Second) }, "the API server says"},
		{"the clock went on meanwhile", func(c *exchange.Claims) { c.IssuedAt, c.NotBefore, c.Expires = later(c, 2*time.Second) }, ""},
		{"exp after it is said to be", func(c *exchange.Claims) { c.IssuedAt, c.NotBefore, c.Expires = later(c, 3*time.Second) }, "the API server says"},
		{"no iat", func(c *exchange.Claims) { c.IssuedAt = time.Time{}; c.NotBefore = time.Time{} }, "no iat"},
		{"valid later only", func(c *exchange.Claims) { c.NotBefore = now.Add(time.Minute) }, "valid only from"},
		{"never valid", func(c *exchange.Claims) { c.IssuedAt = now.Add(shortest) }, "never valid"},
	} {
		claims := good
		tc.spoil(&claims)
		got := strings.Join(lifeProblems(details{Claims: claims}, now.Add(shortest), shortest, 1100*time.Millisecond), "; ")
		if !strings.Contains(got, tc.want) || (tc.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestFileStates(t *testing.T) {
	for _, tc := range []struct{ printed, want string }{
		{"600 1000 10000\n", ""},
		{"644 1000 10000", "mode is 0644, not 0600"},
		{"600 0 10000", "user 0's, not 1000's"},
		{"600 1000 0", "group 0's, not 10000's"},
	} {
		got, err := readState(tc.printed)
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Join(got.differences(fileState{"600", someUser, someGroup}), "; ")
		if !strings.Contains(found, tc.want) || (tc.want == "") != (found == "") {
			t.Errorf("%q: %q, want %q", tc.printed, found, tc.want)
		}
		if len(got.differences(fileState{got.Mode, anyone, anyone})) != 0 {
			t.Errorf("%q: an owner is looked at that is nobody's business", tc.printed)
		}
	}
	for _, printed := range []string{"", "600 root root", "600"} {
		if _, err := readState(printed); err == nil {
			t.Errorf("read %q", printed)
		}
	}
}

func TestDecode(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	jwt := func(claims string) exchange.Token {
		return exchange.Token(encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("s")))
	}
	got, err := decode(jwt(`{"iss":"i","kubernetes.io":{"namespace":"n","pod":{"name":"p","uid":"u"},"serviceaccount":{"name":"wlif","uid":"v"}}}`))
	if err != nil || got.Issuer != "i" || got.Bound != (bound{"n", object{"p", "u"}, object{"wlif", "v"}}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []exchange.Token{"canary", jwt(`{"kubernetes.io":"canary"}`)} {
		if _, err := decode(bad); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error = %v", err)
		}
	}
}

// A token of an API server that writes other claims than it was asked for.
func TestClaimsThatDiffer(t *testing.T) {
	want := expected{issuer: "https://i", subject: "system:serviceaccount:n:wlif", audiences: []string{"a", "b"},
		bound: bound{"n", object{"p", "u"}, object{Name: "wlif"}}}
	good := func() details {
		return details{exchange.Claims{Issuer: want.issuer, Subject: want.subject, Audience: []string{"b", "a"}}, bound{"n", object{"p", "u"}, object{"wlif", "v"}}}
	}
	if found := good().differences(want); len(found) > 0 {
		t.Errorf("a token in order differs: %q", found)
	}
	for name, spoil := range map[string]func(*details){
		"iss":             func(d *details) { d.Issuer += "/" },
		"sub":             func(d *details) { d.Subject = "system:serviceaccount:n:default" },
		"aud":             func(d *details) { d.Audience = []string{"a", "b", "c"} },
		"its aud":         func(d *details) { d.Audience = nil },
		"pod":             func(d *details) { d.Bound.Pod.UID = "of another pod of that name" },
		"namespace":       func(d *details) { d.Bound.Namespace = "m" },
		"service account": func(d *details) { d.Bound.ServiceAccount.Name = "default" },
	} {
		bad := good()
		spoil(&bad)
		if found := bad.differences(want); len(found) != 1 || !strings.Contains(found[0], name) {
			t.Errorf("%s: %q", name, found)
		}
	}
	if found := (details{}).differences(expected{}); len(found) > 0 {
		t.Errorf("what is not looked at differs: %q", found)
	}
}

// A node that says that it ran an image and runs something else, or nothing.
func TestImagesThatAreNotRun(t *testing.T) {
	ran := corev1.ContainerStatus{ImageID: "sha256:1"}
	for _, tc := range []struct {
		program string
		status  corev1.ContainerStatus
		want    string
	}{
		{"nginx\n", ran, ""},
		{"sleep\n", ran, `"sleep", not the image's nginx`},
		{"", ran, `"", not`},
		{"nginx\n", corev1.ContainerStatus{}, "names no image"},
	} {
		got := strings.Join(notRun(tc.program, tc.status), "; ")
		if !strings.Contains(got, tc.want) || (tc.want == "") != (got == "") {
			t.Errorf("%q, %q: %q, want %q", tc.program, tc.status.ImageID, got, tc.want)
		}
	}
}

// A kubelet that leaves the first token in the file, and one that renews it.
func TestTokensAreRenewed(t *testing.T) {
	// What is never renewed is waited for until then. A token's end is a whole second.
	end := time.Now().Add(2 * time.Second).Truncate(time.Second)
	token := func(exp time.Time) exchange.Token {
		encode := base64.RawURLEncoding.EncodeToString
		return exchange.Token(encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(fmt.Appendf(nil, `{"iss":"i","exp":%d}`, exp.Unix())) + "." + encode([]byte("s")))
	}
	for name, tc := range map[string]struct {
		later time.Duration
		want  string
	}{
		"renewed":              {time.Hour, ""},
		"never renewed":        {0, "the file still has the token"},
		"replaced by an older": {-time.Minute, "the file still has the token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failure string
			g := gomega.NewGomega(func(message string, _ ...int) { failure = message })
			given := token(end.Add(tc.later))
			got := renewed(t.Context(), g, end, func(context.Context) (exchange.Token, error) { return given, nil })
			if !strings.Contains(failure, tc.want) || (tc.want == "") != (failure == "") {
				t.Errorf("%q, want %q", failure, tc.want)
			}
			if got != given {
				t.Error("the token is not the file's")
			}
		})
	}
}
