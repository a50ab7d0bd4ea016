package embedded_test

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/pki"
)

// cloudName is a name that only the pods of the node with egress know.
const cloudName = "auth.cloud.example"

// addEgressNode adds a node whose pods reach cloudName, served here with a certificate
// of an authority that the host does not know.
func addEgressNode(t *testing.T, name string) {
	t.Helper()
	needNode(t)
	dir := t.TempDir()
	authority, err := pki.LoadAuthority(dir, "cloud")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := authority.Issue(cloudName, nil, []string{cloudName})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(leaf.Cert, leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	cloud := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.Host, r.URL.Path)
	}))
	cloud.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	cloud.StartTLS()
	t.Cleanup(cloud.Close)
	public, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Logf("no public authorities: %v", err)
	}
	_, err = shared.AddNode(t.Context(), localcluster.NodeSpec{Name: name, Egress: &localcluster.Egress{
		Hosts:    map[string]string{cloudName: cloud.Listener.Addr().String()},
		CABundle: append(public, authority.PEM...),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shared.RemoveNode(t.Context(), name); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
}

func TestEgress(t *testing.T) {
	addEgressNode(t, "egress")
	runPod(t, shared, podOn("egress", "out"))
	url := "https://" + cloudName + "/oauth/token"
	want := cloudName + " /oauth/token"
	for _, tc := range []struct{ tool, script, want string }{
		{"curl", "curl -sS " + url, want},
		{"openssl", "openssl s_client -verify_return_error -connect " + cloudName + ":443 -servername " + cloudName + " </dev/null 2>/dev/null | grep 'Verify return code' | sort -u", "Verify return code: 0 (ok)"},
		{"/usr/bin/python3", "/usr/bin/python3 -c 'import urllib.request; print(urllib.request.urlopen(\"" + url + "\").read().decode())'", want},
		{"update-ca-certificates", "update-ca-certificates >/dev/null 2>&1; curl -sS " + url, want},
	} {
		t.Run(filepath.Base(tc.tool), func(t *testing.T) {
			if _, err := exec.LookPath(tc.tool); err != nil {
				t.Skip(err)
			}
			if got := sh(t, shared, "out", tc.script); !strings.HasPrefix(got, tc.want) {
				t.Errorf("%s: %q, want %q", tc.script, got, tc.want)
			}
		})
	}
	t.Run("the host itself", func(t *testing.T) {
		own := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the host was reached") }))
		defer own.Close()
		_, port, _ := net.SplitHostPort(own.Listener.Addr().String())
		for _, address := range []string{"127.0.0.1:" + port, "169.254.169.254"} {
			for _, via := range []string{"", "-x http://127.1.255.1:3128 "} {
				got := sh(t, shared, "out", "curl -sS -m 5 -o /dev/null -w '%{http_code}' "+via+"http://"+address+"/ 2>/dev/null || true")
				if got != "000" && got != "403" {
					t.Errorf("curl %s%s: %s", via, address, got)
				}
			}
		}
	})
}

func TestWithoutEgressNothingIsReached(t *testing.T) {
	runPod(t, shared, podOn("plain", "no-way-out"))
	for _, tc := range []struct{ what, script, want string }{
		{"a name of the cloud", "curl -sS -m 5 https://" + cloudName + "/ 2>/dev/null; echo $?", "6"},
		{"an address of the internet", "curl -sS -m 5 http://192.0.2.1/ 2>/dev/null; echo $?", "7"},
		{"the metadata service", "curl -sS -m 5 http://169.254.169.254/ 2>/dev/null; echo $?", "7"},
		{"a proxy", "curl -sS -m 5 -x http://127.1.255.1:3128 http://example.org/ 2>/dev/null; echo $?", "7"},
	} {
		if got := sh(t, shared, "no-way-out", tc.script); got != tc.want {
			t.Errorf("%s: curl ended with %s, want %s", tc.what, got, tc.want)
		}
	}
}

// fingerprint is a digest of what packages change on a host.
func fingerprint(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	for _, path := range []string{"/var/lib/dpkg/status", "/var/lib/apt/extended_states", "/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/passwd"} {
		raw, err := os.ReadFile(path)
		_, _ = fmt.Fprintf(sum, "%s %v %d\n", path, err, len(raw))
		_, _ = sum.Write(raw)
	}
	for _, dir := range []string{"/usr/bin", "/etc", "/etc/apt/apt.conf.d", "/var/lib/apt/lists", "/var/cache/apt/archives", "/var/lib/dpkg/info", "/usr/local/share/ca-certificates"} {
		entries, err := os.ReadDir(dir)
		_, _ = fmt.Fprintf(sum, "%s %v\n", dir, err)
		for _, e := range entries {
			_, _ = fmt.Fprintln(sum, e)
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// The tutorial's reader installs jq in the pod. The host must not notice.
func TestInstallingAPackageLeavesTheHostAsItIs(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads package lists from the internet")
	}
	addEgressNode(t, "apt")
	runPod(t, shared, podOn("apt", "apt"))
	before := fingerprint(t)
	out, errs, code, err := execIn(t.Context(), shared, "apt", execOptions{}, "sh", "-c",
		"rm -f /usr/bin/jq; apt-get update && apt-get install -y --reinstall jq && dpkg -V jq && echo '{\"a\":1}' | jq .a && curl -sS https://"+cloudName+"/still")
	if err != nil {
		t.Fatal(err)
	}
	if after := fingerprint(t); after != before {
		t.Error("the host has changed")
	}
	if code != 0 {
		// Only a machine without the package archive may fail here.
		if host := exec.CommandContext(t.Context(), "apt-get", "--simulate", "download", "jq"); host.Run() != nil {
			t.Skip("this host has no package archive either")
		}
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if !strings.HasSuffix(strings.TrimSpace(out), cloudName+" /still") {
		t.Errorf("it printed\n%s", out)
	}
}
