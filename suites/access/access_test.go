package access

import (
	"encoding/base64"
	"net/http"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/payload"
)

func TestBreachesOfARefusal(t *testing.T) {
	const body = `{"code":7,"message":"Permission denied","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r1"}]}`
	header := func(pairs ...string) http.Header {
		h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tc := range []struct {
		name   string
		answer payload.Answer
		// want is in the one breach; empty: there is none.
		want string
	}{
		{"as documented", payload.Answer{Status: 403, Header: header(), Body: []byte(body)}, ""},
		{"the id in the header alone", payload.Answer{Status: 403, Header: header("X-Request-Id", "r1"), Body: []byte(`{"code":7,"message":"no"}`)}, ""},
		{"no id", payload.Answer{Status: 403, Header: header(), Body: []byte(`{"code":7,"message":"no"}`)}, "request id"},
		{"another detail", payload.Answer{Status: 403, Header: header(), Body: []byte(strings.Replace(body, "RequestInfo", "Help", 1))}, "request id"},
		{"another status", payload.Answer{Status: 200, Header: header(), Body: []byte(body)}, "200"},
		{"another code", payload.Answer{Status: 403, Header: header(), Body: []byte(strings.Replace(body, "7", "5", 1))}, "code is 5"},
		{"no message", payload.Answer{Status: 403, Header: header("X-Request-Id", "r1"), Body: []byte(`{"code":7}`)}, "no message"},
		{"another type", payload.Answer{Status: 403, Header: header("Content-Type", "text/html"), Body: []byte(body)}, "text/html"},
		{"words", payload.Answer{Status: 403, Header: header(), Body: []byte("no")}, "not the JSON"},
		{"the payload", payload.Answer{Status: 403, Header: header(), Body: []byte(strings.Replace(body, "denied", "canary-1", 1))}, "payload"},
		{"the payload as base64", payload.Answer{Status: 403, Header: header(), Body: []byte(strings.Replace(body, "denied", base64.StdEncoding.EncodeToString([]byte("canary-1")), 1))}, "payload"},
	} {
		found := breaches(tc.answer, http.StatusForbidden, codes.PermissionDenied, "canary-1")
		if text := strings.Join(found, "; "); tc.want == "" && len(found) > 0 || tc.want != "" && (len(found) != 1 || !strings.Contains(text, tc.want)) || strings.Contains(text, "canary-1") {
			t.Errorf("%s: %q", tc.name, found)
		}
	}
}

func TestAlteredTokenIsAnother(t *testing.T) {
	for _, token := range []string{"t1.body.AAAAAAAA", "t1.body.BBBBBBBB"} {
		got := altered(token)
		if got == token || len(got) != len(token) || !strings.HasPrefix(got, "t1.body.") || got[len(got)-1] != token[len(token)-1] {
			t.Errorf("%s becomes %s", token, got)
		}
	}
}

// The specs of this package read the run when the tree is built.
func TestMain(m *testing.M) { os.Exit(m.Run()) }
