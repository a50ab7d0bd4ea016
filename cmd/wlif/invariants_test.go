package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/runfolder"
)

func TestSkippedWithoutAReason(t *testing.T) {
	verdict := func(v conformance.Verdict, reason string) journal.Record {
		return journal.Record{Event: journal.Verdict{Requirement: "tutorial/exchange", Case: "a", Verdict: v, Reason: reason}}
	}
	if got := unreasoned([]journal.Record{verdict(conformance.Pass, ""), verdict(conformance.Skipped, "not selected"), {Event: journal.RunFinished{}}}); len(got) > 0 {
		t.Errorf("a run in order has %q", got)
	}
	for _, v := range []conformance.Verdict{conformance.Skipped, conformance.NotSupported, conformance.Error} {
		if got := unreasoned([]journal.Record{verdict(v, " ")}); len(got) != 1 || !strings.Contains(got[0], "tutorial/exchange") {
			t.Errorf("%s without a reason: %q", v, got)
		}
	}
}

func TestRefusalsOfTheRunsOwnAccount(t *testing.T) {
	const (
		other   = `{"method":"x/Create","caller":"userAccount:two","verdict":"refused","reason":"permission:x.create","run":"otherrun"}`
		created = `{"method":"yandex.cloud.vpc.v1.NetworkService/Create","caller":"userAccount:one","verdict":"allowed","run":"ownrunid"}`
		check   = `{"method":"p/Get","caller":"serviceAccount:sa","verdict":"refused","reason":"permission:lockbox.payloads.get","run":"ownrunid"}`
		invalid = `{"method":"f/Create","caller":"userAccount:one","verdict":"refused","reason":"validation","run":"ownrunid"}`
		refused = `{"method":"k/Create","caller":"userAccount:one","verdict":"refused","reason":"permission:kms.keys.create","run":"ownrunid"}`
	)
	for name, tc := range map[string]struct {
		lines []string
		found int
		fails string
	}{
		"in order":    {[]string{other, created, check, invalid}, 0, ""},
		"refused":     {[]string{created, refused, refused}, 1, ""},
		"not of ours": {[]string{other}, 0, "no resource"},
		"torn":        {[]string{created, `{"method":`}, 0, "reading the cloud's audit log"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, []byte(strings.Join(tc.lines, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := refusals(path, "ownrunid")
			if len(got) != tc.found || (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := refusals("", "ownrunid"); !errors.Is(err, errNotThere) {
		t.Errorf("without a log: %v", err)
	}
}

// A secret that any process of the run wrote anywhere is found, and not told.
func TestLeaksAreFound(t *testing.T) {
	for name, text := range map[string]string{
		"the planted one": "the payload was canary-of-the-run\n", "the token": "y0_token-of-the-user", "any token": "t1.9euelZqZlJyX.c2lnbmF0dXJl",
		"base64": "x: " + base64.StdEncoding.EncodeToString([]byte("a canary-of-the-run b")), "base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte("canary-of-the-run")),
		"hexadecimal": hex.EncodeToString([]byte("canary-of-the-run")), "in a URL": "?v=" + url.QueryEscape("y0_token-of-the-user/+"), "none": "[token]\n",
	} {
		t.Run(name, func(t *testing.T) {
			token := "y0_token-of-the-user"
			if name == "in a URL" {
				token += "/+" // what a URL has in another form
			}
			l := &launch{cfg: &config.Config{Credentials: config.Credentials{Token: config.NewSecret(token)}}, id: "ownrunid",
				state: t.TempDir(), folder: runfolder.Folder(t.TempDir()), canary: "canary-of-the-run"}
			path := l.folder.Path("diagnostics/exchange-bearer-token/pod.log")
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			got, err := l.leaks()
			if err != nil || (len(got) == 0) != (name == "none") {
				t.Fatalf("%q, %v", got, err)
			}
			if all := strings.Join(got, " "); strings.Contains(all, "canary-of") || strings.Contains(all, "y0_") || name != "none" && !strings.Contains(all, path) {
				t.Errorf("told as %q", got)
			}
		})
	}
}
