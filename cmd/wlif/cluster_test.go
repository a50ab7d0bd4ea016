package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func TestClusterIsAskedForInWords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no kubeconfig":   {nil, "--kubeconfig is missing"},
		"other engine":    {[]string{"--kubeconfig=" + file, "--engine=minikube"}, `--engine is "minikube"`},
		"no engine":       {[]string{"--kubeconfig=" + file, "--engine=none"}, "known are embedded and kind"},
		"no announcement": {[]string{"--kubeconfig=" + file, "--announce=" + file}, "no such file"},
		"other version":   {[]string{"--kubeconfig=" + file, "--k8s-version=1.2"}, "1.36"},
	} {
		var out, said bytes.Buffer
		if code := execute(t.Context(), append([]string{"cluster"}, tc.args...), &out, &said); code != report.ExitUsage || !strings.Contains(said.String(), tc.says) {
			t.Errorf("%s: code %d, %s", name, code, said.String())
		}
	}
}

// What is written is for kubectl, and for jq.
func TestKubeconfigOfACluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	admin := &rest.Config{Host: "127.1.2.3:6443", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("ca"), CertData: []byte("cert"), KeyData: []byte("key")}}
	if err := writeAdmin(file, admin); err != nil {
		t.Fatal(err)
	}
	got, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil || got.Host != "https://127.1.2.3:6443" || string(got.CAData) != "ca" || string(got.CertData) != "cert" || string(got.KeyData) != "key" {
		t.Errorf("%v, %v", got, err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || !json.Valid(raw) {
		t.Errorf("%s (%v)", raw, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v (%v)", info, err)
	}
}

func TestWayToTheMock(t *testing.T) {
	dir := t.TempDir()
	bundle, announce := filepath.Join(dir, "bundle.pem"), filepath.Join(dir, "mock.json")
	if err := os.WriteFile(bundle, []byte("certificates"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (mockcloud.Announcement{Endpoint: "127.0.0.1:443", CABundle: bundle}).Write(announce); err != nil {
		t.Fatal(err)
	}
	way, err := wayToMock(announce)
	if err != nil || way.Hosts["auth.yandex.cloud"] != "127.0.0.1:443" || string(way.CABundle) != "certificates" {
		t.Errorf("%v, %v", way, err)
	}
	if way, err := wayToMock(""); way != nil || err != nil {
		t.Errorf("without a mock: %v, %v", way, err)
	}
	if err := os.Remove(bundle); err != nil {
		t.Fatal(err)
	}
	if _, err := wayToMock(announce); err == nil {
		t.Error("a mock whose certificates are gone is taken")
	}
}
