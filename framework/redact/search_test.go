package redact

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every form in which a secret is likely to leak is found, in any file.
func TestSearchFindsWhatLeaked(t *testing.T) {
	const secret = "a+secret/value=of the run"
	var r Redactor
	if err := r.Register("PLANTED", secret); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"raw":             "x\ny " + secret,
		"base64":          "{\"v\":\"" + base64.StdEncoding.EncodeToString([]byte("before "+secret+" after")) + "\"}",
		"base64 URL":      base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"hex":             hex.EncodeToString([]byte(secret)),
		"URL":             "https://h/?q=" + url.QueryEscape(secret),
		"JWT":             "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
		"IAM token":       "got t1.9euelZqZlJyX.c2lnbmF0dXJl",
		"private key":     "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
		"bearer token":    "Authorization: Bearer abcdefghij",
		"in binary noise": "\x00\xff" + secret + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "deep", "file")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			hits, err := r.Search(dir, filepath.Join(dir, "missing"))
			if err != nil || len(hits) == 0 || hits[0].Path != path {
				t.Fatalf("hits %v, error %v", hits, err)
			}
			if strings.Contains(hits[0].String(), secret) {
				t.Errorf("the hit tells the secret: %s", hits[0])
			}
		})
	}
}

func TestSearchFindsNothingInWhatIsClean(t *testing.T) {
	var r Redactor
	if err := r.Register("PLANTED", "a secret value"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := r.String("a secret value, eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln and t1.9euelZqZlJyX.c2lnbmF0dXJl")
	if err := os.WriteFile(filepath.Join(dir, "clean"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if hits, err := r.Search(dir); err != nil || len(hits) > 0 {
		t.Errorf("hits %v, error %v in %q", hits, err, text)
	}
}
