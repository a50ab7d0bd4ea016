package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a body says, a form that is taken has every parameter, once and with the
// one value that some have.
func FuzzForm(f *testing.F) {
	const good = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token" +
		"&audience=aje1&subject_token=a.b.c&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
	f.Add("application/x-www-form-urlencoded", good)
	f.Add("application/x-www-form-urlencoded; charset=utf-8", good+"&audience=aje2")
	f.Add("application/json", `{"audience":"aje1"}`)
	f.Add("application/x-www-form-urlencoded", "%zz=1;&&=&audience")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		q := receive(r)
		_ = q.peek("audience")
		form, err := q.form(strict().form)
		if err != nil {
			return
		}
		for _, p := range required {
			if values := form[p.name]; len(values) != 1 || values[0] == "" || p.value != "" && values[0] != p.value {
				t.Errorf("taken with %s = %q", p.name, values)
			}
		}
	})
}

// A token that can be read has three parts, an algorithm that is allowed and a key id.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		"eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2kiLCJzdWIiOiJzIiwiYXVkIjpbImEiXSwiZXhwIjoxfQ.c2ln", "a.b.c", "..", "", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYiJdfQ.e30.AA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		read, err := parseToken(raw, []string{"RS256", "ES256"}, strict())
		if err != nil {
			return
		}
		if strings.Count(raw, ".") != 2 || read.alg != "RS256" && read.alg != "ES256" || read.input+"."+read.signature != raw {
			t.Errorf("%q was read as %+v", raw, read)
		}
	})
}

// A key set that can be read has public keys only: a private or a shared key in it is
// none of ours.
func FuzzKeySet(f *testing.F) {
	for _, seed := range []string{
		`{"keys":[]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"1"}]}`,
		`{"keys":[{"kty":"oct","k":"AA"},{"kty":"?"},null,1]}`, `{"keys":null}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := readKeys(raw)
		if err != nil && !json.Valid(raw) {
			return
		}
		for _, key := range keys {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("%s has the key %s", raw, key.raw)
			}
		}
	})
}
