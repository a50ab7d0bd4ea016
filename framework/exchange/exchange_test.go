package exchange

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

const canary = "eyJhbGciOiJSUzI1NiJ9.canary-subject.token"

func serve(t *testing.T, status int, header map[string]string, answer string) *Client {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/oauth/token" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s %s %s", r.Method, r.URL, r.Header)
		}
		if got := r.PostFormValue("subject_token"); got != canary {
			t.Errorf("subject_token = %q", got)
		}
		for key, value := range header {
			w.Header().Set(key, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return &Client{Endpoint: server.URL + "/oauth/token", HTTP: server.Client()}
}

var jsonType = map[string]string{"Content-Type": "application/json; charset=utf-8", "X-Request-Id": "id-1"}

func TestExchange(t *testing.T) {
	c := serve(t, 200, jsonType, `{"access_token":"t1.secret","token_type":"bearer","expires_in":43200}`)
	got, err := c.Exchange(t.Context(), Form(canary, "aje1"))
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessToken.Reveal() != "t1.secret" || got.ExpiresIn != 12*time.Hour || got.RequestID != "id-1" {
		t.Errorf("response = %+v", got)
	}
}

func TestAnswersAreToldApart(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		header map[string]string
		answer string
		want   error
	}{
		{"refusal", 400, jsonType, `{"error":"invalid_request","error_description":"no"}`, &Refusal{400, "invalid_request", "no", "id-1", false}},
		{"the other request id", 401, map[string]string{"Content-Type": "application/json", "X-Ya-Request-Id": "id-2"}, `{"error":"x"}`, &Refusal{401, "x", "", "id-2", false}},
		{"a failing server", 503, jsonType, `{"error":"server_error"}`, &ServerError{503, "id-1"}},
		{"a throttling server", 429, jsonType, `{"error":"invalid_request"}`, &ServerError{429, "id-1"}},
		{"refusal with a token", 400, jsonType, `{"error":"x","access_token":"t1.x"}`, &UnexpectedError{400, "it has an access token beside the error", "id-1", true}},
		{"refusal without code", 403, jsonType, `{}`, &UnexpectedError{403, "it has no error code", "id-1", false}},
		{"html", 403, map[string]string{"Content-Type": "text/html"}, `<p>`, &UnexpectedError{403, `its content type is "text/html", not application/json`, "", false}},
		{"no JSON", 200, jsonType, `{`, &UnexpectedError{200, "its body is not the JSON of RFC 6749", "id-1", false}},
		{"no token", 200, jsonType, `{"token_type":"Bearer"}`, &UnexpectedError{200, "it has no access token", "id-1", false}},
		{"another type of token", 200, jsonType, `{"access_token":"t1.x","token_type":"mac"}`, &UnexpectedError{200, `its token type is "mac", not Bearer`, "id-1", true}},
		{"created", 201, jsonType, `{"access_token":"t1.x","token_type":"Bearer"}`, &UnexpectedError{201, "only 200 is a success", "id-1", true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := serve(t, tc.status, tc.header, tc.answer).Exchange(t.Context(), Form(canary, "aje1"))
			if !reflect.DeepEqual(err, tc.want) {
				t.Errorf("error = %#v, want %#v", err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "t1.") {
				t.Errorf("the error has a token: %v", err)
			}
		})
	}
}

// A page with the status of a success is nobody's answer.
func TestAPageIsNoAnswer(t *testing.T) {
	c := serve(t, 200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, `<p>Sign in`)
	_, err := c.Exchange(t.Context(), Form(canary, "aje1"))
	var page *PageError
	if !errors.As(err, &page) || !strings.HasPrefix(page.Host, "127.0.0.1:") || strings.Contains(err.Error(), "canary") {
		t.Errorf("error = %v", err)
	}
}

func TestNoAnswerIsATransportError(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := (&Client{Endpoint: server.URL}).Exchange(t.Context(), Form(canary, "aje1"))
	var transport *TransportError
	if !errors.As(err, &transport) || transport.Unwrap() == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("error = %v", err)
	}
}

func TestTokenIsNeverPrinted(t *testing.T) {
	value := struct{ T Token }{"t1.canary"}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		string(text), fmt.Sprintf("%v %+v %#v", value, value, value), fmt.Sprintf("%s %q %x %d", value.T, value.T, value.T, value.T), value.T.String(),
	} {
		if strings.Contains(shown, "canary") || strings.Contains(shown, "63616e617279") {
			t.Errorf("shown: %s", shown)
		}
	}
}

func jwtOf(header, claims string) Token {
	encode := base64.RawURLEncoding.EncodeToString
	return Token(encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature")))
}

func TestReadClaims(t *testing.T) {
	token := jwtOf(`{"alg":"RS256","kid":"k1"}`, `{"iss":"https://i","aud":["a","b"],"sub":"system:serviceaccount:n:wlif","exp":1800000000,"nbf":1799990001,"iat":1799990000}`)
	got, err := ReadClaims(token + "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Claims{
		Issuer: "https://i", Audience: []string{"a", "b"}, Subject: "system:serviceaccount:n:wlif",
		Expires: time.Unix(1800000000, 0).UTC(), NotBefore: time.Unix(1799990001, 0).UTC(), IssuedAt: time.Unix(1799990000, 0).UTC(), KeyID: "k1", Algorithm: "RS256",
	}
	got.Expires, got.NotBefore, got.IssuedAt = got.Expires.UTC(), got.NotBefore.UTC(), got.IssuedAt.UTC()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("claims = %+v, want %+v", got, want)
	}
}

func TestReadClaimsRefuses(t *testing.T) {
	for _, token := range []Token{"", "canary", "a.b.c", jwtOf(`{"alg":"RS256"}`, `canary`), jwtOf(`canary`, `{}`)} {
		if c, err := ReadClaims(token); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("ReadClaims(%q) = %+v, %v", token.Reveal(), c, err)
		}
	}
}

func FuzzReadClaims(f *testing.F) {
	f.Add(string(jwtOf(`{"alg":"RS256"}`, `{"aud":"a"}`)))
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ReadClaims(Token(text)); err != nil && len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the token: %v", err)
		}
	})
}
