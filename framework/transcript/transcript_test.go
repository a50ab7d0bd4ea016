package transcript

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

const canary = "canary-0123456789-canary"

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// token is a JWT whose signature is the canary.
func token() string {
	return part(`{"alg":"RS256","kid":"k"}`) + "." + part(`{"iss":"https://i","exp":"soon"}`) + "." + canary
}

// exchanged makes one request to a server that answers as told, and gives what was
// noted of it.
func exchanged(t *testing.T, request func(base string) *http.Request, answer http.HandlerFunc) journal.Called {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	var noted []journal.Called
	client := &http.Client{Transport: &Transport{Sink: func(c journal.Called) { noted = append(noted, c) }}}
	got, err := client.Do(request(server.URL))
	if err == nil {
		_, _ = io.ReadAll(got.Body)
		_ = got.Body.Close()
	}
	if len(noted) != 1 {
		t.Fatalf("%d calls are noted", len(noted))
	}
	return noted[0]
}

func post(contentType, body string) func(string) *http.Request {
	return func(base string) *http.Request {
		r, _ := http.NewRequest(http.MethodPost, base+"/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer "+canary)
		return r
	}
}

func TestNoSecretIsWritten(t *testing.T) {
	form := url.Values{"subject_token": {token()}, "audience": {"aje"}}.Encode()
	inJSON, _ := json.Marshal(map[string]any{"subject_token": token(), "nested": []any{map[string]string{"textValue": canary}}})
	for _, tc := range []struct {
		name    string
		request func(string) *http.Request
		kind    string
		answer  string
	}{
		{"a form", post("application/x-www-form-urlencoded", form), "application/json", `{"access_token":"` + canary + `"}`},
		{"JSON", post("application/json", string(inJSON)), "application/json", `{"entries":[{"key":"k","textValue":"` + canary + `"}]}`},
		{"a part of the token in the answer", post("application/x-www-form-urlencoded", form), "application/json", `{"error_description":"not ` + canary + ` please"}`},
		{"a page", post("text/plain", canary), "text/html", canary},
		{"broken JSON", post("application/json", canary), "application/json", canary},
		{"a JSON string", post("application/json", `"`+canary+`"`), "application/json", `"` + canary + `"`},
		{"a form that is none", post("application/x-www-form-urlencoded", canary), "application/json", `{}`},
		{"a query", func(base string) *http.Request {
			r, _ := http.NewRequest(http.MethodGet, base+"/?"+form, nil)
			return r
		}, "application/json", `{}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			call := exchanged(t, tc.request, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				w.Header().Set("Set-Cookie", canary)
				_, _ = w.Write([]byte(tc.answer))
			})
			text, err := json.Marshal(call)
			if err != nil || strings.Contains(string(text), canary) {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
}

func TestExchangeIsNoted(t *testing.T) {
	form := url.Values{"subject_token": {token()}, "audience": {"aje"}}.Encode()
	call := exchanged(t, post("application/x-www-form-urlencoded; charset=utf-8", form), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "r1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_request","error_description":"no <such> account"}`))
	})
	if !strings.HasPrefix(call.Method, "POST http://") || call.Status != "400 Bad Request" || !call.Failed || call.RequestID != "r1" {
		t.Errorf("%+v", call)
	}
	if want := "audience = aje\nsubject_token = [hidden]"; call.Request.Body != want {
		t.Errorf("request %q, want %q", call.Request.Body, want)
	}
	if !strings.Contains(call.Answer.Body, `"error_description": "no <such> account"`) || call.Request.Header["Authorization"] != "Bearer [hidden]" {
		t.Errorf("%+v", call)
	}
	if call.Claims == nil || string(call.Claims.Payload) != `{"iss":"https://i","exp":"soon"}` || string(call.Claims.Header) != `{"alg":"RS256","kid":"k"}` {
		t.Errorf("claims %+v", call.Claims)
	}
}

// TestNobodyIsDisturbed: sender and receiver get every byte, and an error.
func TestNobodyIsDisturbed(t *testing.T) {
	long := strings.Repeat("x", maxRead+100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	client := &http.Client{Transport: &Transport{Sink: func(journal.Called) {}}}
	answer, err := client.Post(server.URL, "text/plain", strings.NewReader(long))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || string(got) != long {
		t.Errorf("%d bytes of %d, %v", len(got), len(long), err)
	}
	server.Close()
	var noted journal.Called
	client.Transport = &Transport{Sink: func(c journal.Called) { noted = c }}
	if answer, err := client.Get(server.URL + "/?subject_token=" + token()); err == nil {
		_ = answer.Body.Close()
		t.Error("a closed server answered")
	}
	if noted.Error == "" || noted.Status != "" || strings.Contains(noted.Error+noted.Method, canary) {
		t.Errorf("%+v", noted)
	}
}

func TestCutAnswerIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("short"))
	}))
	defer server.Close()
	var noted journal.Called
	client := &http.Client{Transport: &Transport{Sink: func(c journal.Called) { noted = c }}}
	answer, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); !errors.Is(err, io.ErrUnexpectedEOF) || noted.Error == "" {
		t.Errorf("reading gave %v, noted is %q", err, noted.Error)
	}
}

func TestGRPC(t *testing.T) {
	value := &lockbox.Payload{VersionId: "e6q", Entries: []*lockbox.Payload_Entry{{Key: "k", Value: &lockbox.Payload_Entry_TextValue{TextValue: canary}}}}
	call := Of(cloud.Call{
		Method: "yandex.cloud.lockbox.v1.PayloadService/Get", Attempt: 1, Duration: time.Second, RequestID: "r1", IdempotencyKey: "i",
		Request: &lockbox.GetPayloadRequest{SecretId: "e6qsecret"}, Answer: value,
	})
	if call.Status != "OK" || call.Failed || !strings.Contains(call.Request.Body, `"secretId": "e6qsecret"`) || call.Request.Header["Idempotency-Key"] != "i" {
		t.Errorf("%+v", call)
	}
	if strings.Contains(call.Answer.Body, canary) || !strings.Contains(call.Answer.Body, `"textValue": "[hidden]"`) {
		t.Errorf("answer %s", call.Answer.Body)
	}
	refused := Of(cloud.Call{Code: codes.PermissionDenied, Err: errors.New("denied"), Request: &lockbox.GetPayloadRequest{}, Answer: value})
	if refused.Status != "PERMISSION_DENIED" || !refused.Failed || refused.Error != "denied" || refused.Answer.Body != "" {
		t.Errorf("%+v", refused)
	}
}

func TestLongBodiesAreCut(t *testing.T) {
	var m mask
	raw, _ := json.Marshal(map[string]string{"a": strings.Repeat("я", maxValue)})
	text := m.body("application/json", raw)
	if len(text) > maxBody+100 || !strings.Contains(text, "bytes more]") || strings.Contains(text, "�") {
		t.Errorf("%s", text)
	}
}

func FuzzBody(f *testing.F) {
	f.Add("application/json", []byte(`{"token":["`+canary+`"]}`))
	f.Add("application/x-www-form-urlencoded", []byte("subject_token="+canary+"&a=b"))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		var m mask
		if text := m.body(kind, raw); len(text) > maxBody+len(kind)*4+100 {
			t.Errorf("%d bytes", len(text))
		}
	})
}
