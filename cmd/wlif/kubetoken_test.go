package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	resourcemanager "github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	clientauth "k8s.io/client-go/pkg/apis/clientauthentication/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

func TestKubeTokenAnswersKubectl(t *testing.T) {
	p := newPatient(t)
	for _, version := range []string{"", "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"} {
		info, want := "", "client.authentication.k8s.io/v1"
		if version != "" {
			info, want = `{"kind":"ExecCredential","apiVersion":"`+version+`","spec":{"interactive":false}}`, version
		}
		t.Setenv("KUBERNETES_EXEC_INFO", info)
		code, stdout, stderr := command(t, kubeToken, "--cloud=yandex", "--folder-id="+p.announce.FolderID)
		var answer clientauth.ExecCredential
		if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 || answer.APIVersion != want || answer.Kind != "ExecCredential" {
			t.Fatalf("%q: code %d, %v, version %s: %s", version, code, err, answer.APIVersion, stderr)
		}
		if !answer.Status.ExpirationTimestamp.After(time.Now()) {
			t.Errorf("kubectl would ask again at once: %v", answer.Status.ExpirationTimestamp)
		}
		// It is a token of the account.
		client := p.connect(config.Credentials{IAMToken: config.NewSecret(answer.Status.Token)})
		_, err := client.Folders().Get(t.Context(), &resourcemanager.GetFolderRequest{FolderId: p.announce.FolderID})
		p.must(err)
	}
}

func TestKubeTokenRefusesWhatItCannotAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		info string
		args []string
		want string
	}{
		"no cloud":           {"", nil, "which mock?"},
		"no such run":        {"", []string{"--run=abcdefgh"}, `no mock of a run "abcdefgh"`},
		"an unknown version": {`{"apiVersion":"client.authentication.k8s.io/v1alpha1"}`, nil, "v1alpha1"},
		"not kubectl's":      {`v1`, nil, "KUBERNETES_EXEC_INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBERNETES_EXEC_INFO", tc.info)
			if code, stdout, stderr := command(t, append([]string{kubeToken}, tc.args...)...); code != 2 || stdout != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
		})
	}
}

// A kubeconfig has no secret, and kubectl finds those that are files.
func TestKubectlPlugin(t *testing.T) {
	l := testLaunch(t)
	l.cfg.Cloud, l.cfg.Endpoint, l.cfg.FolderID = config.CloudYandex, "api.example:443", "b1g"
	l.cfg.Credentials = config.Credentials{Token: config.NewSecret("t1.secret"), KeyFile: "key.json", InstanceMetadata: true}
	plugin, err := l.kubectlPlugin()
	if err != nil {
		t.Fatal(err)
	}
	key, err := filepath.Abs("key.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{kubeToken, "--cloud=yandex", "--endpoint=api.example:443", "--folder-id=b1g", "--instance-metadata", "--service-account-key-file=" + key} {
		if !slices.Contains(plugin.Args, want) {
			t.Errorf("%s is missing: %q", want, plugin.Args)
		}
	}
	if strings.Contains(strings.Join(plugin.Args, " "), "secret") || !filepath.IsAbs(plugin.Command) {
		t.Errorf("%+v", plugin)
	}
	l.mock = &mockProcess{}
	if plugin, err = l.kubectlPlugin(); err != nil || !slices.Equal(plugin.Args, []string{kubeToken, "--run=" + l.id}) {
		t.Errorf("%+v, %v", plugin, err)
	}
}
