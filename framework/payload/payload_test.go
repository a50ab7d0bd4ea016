package payload

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

const forbidden = `{"code":7,"message":"Permission denied","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r1"}]}`

// TestGet: what is a payload, what is a refusal, and what is neither.
func TestGet(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		// code of a *cloud.Error; OK with unexpected empty is a payload.
		code       codes.Code
		unexpected string
	}{
		{"a payload", 200, `{"entries":[{"key":"k","textValue":"canary"},{"key":"b","binaryValue":"AP8="}],"versionId":"v"}`, codes.OK, ""},
		{"nothing", 200, `{}`, codes.OK, "no entries"},
		{"a page", 200, `<html>canary`, codes.OK, "not the JSON"},
		{"another success", 204, ``, codes.OK, "only 200"},
		{"a refusal in a success", 200, forbidden, codes.OK, "no entries"},
		{"forbidden", 403, forbidden, codes.PermissionDenied, ""},
		{"forbidden in words", 403, `canary`, codes.PermissionDenied, ""},
		{"not authenticated", 401, `{"code":16,"message":"The token is invalid"}`, codes.Unauthenticated, ""},
		{"not found", 404, `{"code":5}`, codes.NotFound, ""},
		{"inactive", 400, `{"code":9,"message":"Secret is not active"}`, codes.FailedPrecondition, ""},
		{"invalid", 400, `{"code":7}`, codes.InvalidArgument, ""},
		{"throttled", 429, ``, codes.ResourceExhausted, ""},
		{"failing", 503, `<html>canary`, codes.Internal, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/lockbox/v1/secrets/e6q/payload" || r.URL.RawQuery != "versionId=v" || r.Header.Get("Authorization") != "Bearer t1.x" || r.UserAgent() != "me" {
					t.Errorf("%s, %v", r.URL, r.Header)
				}
				w.Header().Set("X-Request-Id", "r1")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			client := &Client{Endpoint: server.URL, UserAgent: "me"}
			got, err := client.Get(t.Context(), Request{SecretID: "e6q", VersionID: "v", Authorization: Bearer("t1.x")})
			if err != nil && (strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "r1")) {
				t.Errorf("the error quotes the body, or has no request id: %v", err)
			}
			var failed *cloud.Error
			var odd *UnexpectedError
			switch {
			case tc.unexpected != "":
				if !errors.As(err, &odd) || !strings.Contains(odd.Reason, tc.unexpected) {
					t.Errorf("%v, want one that says %q", err, tc.unexpected)
				}
			case tc.code != codes.OK:
				if !errors.As(err, &failed) || failed.Code != tc.code {
					t.Errorf("%v, want %s", err, tc.code)
				}
			case err != nil || got.VersionID != "v" || len(got.Entries) != 2:
				t.Errorf("%d entries, version %q, %v", len(got.Entries), got.VersionID, err)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := (&Client{Endpoint: server.URL}).Get(t.Context(), Request{SecretID: "e6q"})
	if cloud.ClassOf(err) != cloud.ClassTransport {
		t.Errorf("%v", err)
	}
}

func TestWithoutAuthorization(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, has := r.Header["Authorization"]; has {
			t.Error("there is an Authorization header")
		}
	}))
	defer server.Close()
	if _, err := (&Client{Endpoint: server.URL}).Ask(t.Context(), Request{SecretID: "e6q", Authorization: config.Secret{}}); err != nil {
		t.Error(err)
	}
}

func TestBytes(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, tc := range []struct {
		name  string
		entry Entry
		want  []byte
		fails bool
	}{
		{"text", Entry{TextValue: text("v")}, []byte("v"), false},
		{"empty text", Entry{TextValue: text("")}, nil, false},
		{"binary", Entry{BinaryValue: text("AP8=")}, []byte{0, 0xff}, false},
		{"neither", Entry{}, nil, true},
		{"both", Entry{TextValue: text("canary"), BinaryValue: text("AP8=")}, nil, true},
		{"not base64", Entry{BinaryValue: text("canary!")}, nil, true},
	} {
		got, err := tc.entry.Bytes()
		if (err != nil) != tc.fails || !bytes.Equal(got, tc.want) || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
	}
}

func TestAnswerIsNotPrinted(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, Answer{Status: 200, Body: []byte("canary")}); strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
