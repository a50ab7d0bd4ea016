package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/pause"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// Without somebody at a terminal the run would wait for ever.
func TestAPauseNeedsATerminal(t *testing.T) {
	nobody, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	stdin := os.Stdin
	os.Stdin = nobody
	t.Cleanup(func() { os.Stdin = stdin })
	code, stdout, stderr := command(t, "run", "--pause-on-failure", "--out", t.TempDir())
	if code != 2 || !strings.Contains(stderr, "standard input is no terminal") || !strings.Contains(stderr, "--keep") || stdout != "" {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

func TestAPauseSaysHowToLookAround(t *testing.T) {
	var out bytes.Buffer
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	l, err := newLaunch(testConfig(t), selection{filter: "f"}, tools{}, &out)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(users, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	target := provision.Target{Namespace: "wlif-ns", ServiceAccountID: "aje-sa", SecretID: "e6q-secret", FederationID: "aje-fed", CredentialID: "aje-cred", Cluster: provision.Cluster{Kubeconfig: users}}
	if err := l.folder.SaveTarget(target); err != nil {
		t.Fatal(err)
	}
	l.keyboard = bufio.NewReader(strings.NewReader("\nmore"))
	l.lookAround(pause.Failure{Spec: "a case", Requirement: "tutorial/exchange", Location: "suites/a.go:1", Message: "what went wrong"})
	for _, want := range []string{"tutorial/exchange [a case] failed at suites/a.go:1: what went wrong", "export KUBECONFIG=" + users, "--namespace wlif-ns",
		"aje-sa", "e6q-secret", "aje-fed", "aje-cred", "--selector wlif-run=" + l.id, "Press Enter", "going on"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, out.String())
		}
	}
	if rest, _ := l.keyboard.ReadString(0); rest != "more" {
		t.Errorf("it took more than one line, and left %q", rest)
	}
	if _, err := os.Stat(users); err != nil {
		t.Errorf("the user's kubeconfig: %v", err)
	}
}
