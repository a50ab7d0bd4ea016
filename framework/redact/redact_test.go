package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

const secret = "hunter2/with+odd=characters"

func TestRegisteredValueInEveryEncoding(t *testing.T) {
	var r Redactor
	if err := r.Register("password", secret); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"raw":         secret,
		"hex":         hex.EncodeToString([]byte(secret)),
		"HEX":         strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"query":       url.QueryEscape(secret),
		"path":        url.PathEscape(secret),
		"base64":      base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64url":   base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"offset one":  base64.StdEncoding.EncodeToString([]byte("x" + secret + "yz")),
		"offset two":  base64.StdEncoding.EncodeToString([]byte("ab" + secret)),
		"basic auth":  base64.StdEncoding.EncodeToString([]byte("user:" + secret)),
		"inside text": "before " + secret + " after",
	} {
		t.Run(name, func(t *testing.T) {
			got := r.String("x=" + text)
			if !strings.Contains(got, "[redacted: password]") {
				t.Errorf("String(%q) = %q", text, got)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	var r Redactor
	for _, tc := range []struct{ name, in, want string }{
		{"IAM token", "token t1.9euelZqZlJyX_-." + strings.Repeat("A", 86) + " end", "token [redacted: IAM token] end"},
		{"a cut IAM token", "t1.9euelZqZlJyX", "[redacted: IAM token]"},
		{"JWT", `{"t":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}`, `{"t":"[redacted: JWT]"}`},
		{"unsigned JWT", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "[redacted: JWT]"},
		{"a bearer in any case", "BeaReR abcdefghijkl", "[redacted: bearer token]"},
		{"bearer", "Authorization: Bearer abcdefghijkl", "Authorization: [redacted: bearer token]"},
		{"PEM", "k: -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- ok", "k: [redacted: private key] ok"},
		{"cut PEM", "-----BEGIN PRIVATE KEY-----\nMIIE", "[redacted: private key]"},
		{"nothing", "the bearer of news; t2.micro; eyJ", "the bearer of news; t2.micro; eyJ"},
		{"an id", "aje4c2qv19lf00000000", "aje4c2qv19lf00000000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := r.String(tc.in); got != tc.want {
				t.Errorf("String = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestShortValueIsRefused(t *testing.T) {
	var r Redactor
	if err := r.Register("pin", "1234"); err == nil {
		t.Error("Register accepted four bytes")
	}
}

func TestLongerValueWins(t *testing.T) {
	var r Redactor
	for name, value := range map[string]string{"part": "abcdefgh", "whole": "abcdefghijklmnop"} {
		if err := r.Register(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.String("abcdefghijklmnop"); got != "[redacted: whole]" {
		t.Errorf("got %q", got)
	}
}

func TestWriterRecognisesWhatArrivesInPieces(t *testing.T) {
	var r Redactor
	if err := r.Register("password", secret); err != nil {
		t.Fatal(err)
	}
	for step := 1; step < 9; step++ {
		var out bytes.Buffer
		w := r.Writer(&out)
		text := "one " + secret + "\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nlast " + secret
		for rest := text; rest != ""; {
			n := min(step, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := "one [redacted: password]\n[redacted: private key]\nlast [redacted: password]"
		if out.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", step, out.String(), want)
		}
	}
}

func FuzzRegisteredValueNeverSurvives(f *testing.F) {
	f.Add("before", secret, "after")
	f.Fuzz(func(t *testing.T, before, value, after string) {
		var r Redactor
		const mark = "[redacted: v]"
		if r.Register("v", value) != nil || strings.Contains(mark, value) {
			t.Skip()
		}
		text := before + value + after
		if got := r.String(text); strings.Contains(got, value) && !strings.Contains(before+after, value) &&
			!strings.Contains(mark, value[:1]) {
			t.Errorf("String(%q) = %q still has %q", text, got, value)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		if got := r.String(encoded); got == encoded {
			t.Errorf("base64 of %q was not redacted: %q", text, got)
		}
	})
}

// What is tried before a pattern is matched must hold for all that matches.
func FuzzNoPatternIsLeftOut(f *testing.F) {
	for _, text := range []string{"t1.9euelZqZlJyX", "x eyJhbGciOi.eyJz.", "-----BEGIN PRIVATE KEY-----", "bEaReR+abcdefgh", "\u017f\u212a bearer abcdefgh"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range patterns {
			if p.re.MatchString(text) && !p.possible(text) {
				t.Errorf("%q is a %s, and is not looked at", text, p.name)
			}
		}
	})
}
