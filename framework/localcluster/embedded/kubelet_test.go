package embedded_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/pki"
)

// Whoever can call a node can run programs in its pods. Only the API server may.
func TestOnlyTheAPIServerMayCallANode(t *testing.T) {
	needNode(t)
	dir := t.TempDir()
	cluster := startCluster(t, localcluster.Spec{Name: "kubelet", Dir: dir})
	if _, err := cluster.AddNode(t.Context(), localcluster.NodeSpec{Name: "n"}); err != nil {
		t.Fatal(err)
	}
	node, err := clientFor(t, cluster.Admin()).CoreV1().Nodes().Get(t.Context(), "n", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := net.JoinHostPort(node.Status.Addresses[0].Address, fmt.Sprint(node.Status.DaemonEndpoints.KubeletEndpoint.Port))

	same, err := pki.LoadAuthority(filepath.Join(dir, "pki"), "ca")
	if err != nil {
		t.Fatal(err)
	}
	other, err := pki.LoadAuthority(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	issue := func(by *pki.Authority, name string, groups ...string) []tls.Certificate {
		leaf, err := by.Issue(name, groups, nil)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(leaf.Cert, leaf.Key)
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{pair}
	}
	const apiServer = "kube-apiserver-kubelet-client"
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cluster.CA())
	for _, tc := range []struct {
		name         string
		certificates []tls.Certificate
		path         string
		want         int // 0: no connection
	}{
		{"the API server", issue(same, apiServer), "/healthz", http.StatusOK},
		{"no certificate", nil, "/healthz", 0},
		{"an administrator's certificate", issue(same, "cluster-admin", "system:masters"), "/exec/default/p/main?command=id&output=1", http.StatusForbidden},
		{"the node's own certificate", issue(same, "system:node:n", "system:nodes"), "/containerLogs/default/p/main", http.StatusForbidden},
		{"the right name of another authority", issue(other, apiServer), "/healthz", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: tc.certificates}}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get("https://" + at + tc.path)
			if err != nil {
				if tc.want != 0 || !strings.Contains(err.Error(), "tls: ") {
					t.Errorf("%v, want %d", err, tc.want)
				}
				return
			}
			defer func() { _ = resp.Body.Close() }()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.want {
				t.Errorf("%s %s, want %d", resp.Status, body, tc.want)
			}
		})
	}
}

func TestANodeIsRemovedWithItsPods(t *testing.T) {
	needNode(t)
	if _, err := shared.AddNode(t.Context(), localcluster.NodeSpec{Name: "brief", Labels: map[string]string{"pool": "b"}}); err != nil {
		t.Fatal(err)
	}
	client := clientFor(t, shared.Admin())
	node, err := client.CoreV1().Nodes().Get(t.Context(), "brief", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if node.Labels["pool"] != "b" || node.Labels["kubernetes.io/os"] != "linux" || node.Status.NodeInfo.KubeletVersion != "v"+shared.Version()+"+embedded" {
		t.Errorf("labels %v, version %s", node.Labels, node.Status.NodeInfo.KubeletVersion)
	}
	if _, err := shared.AddNode(t.Context(), localcluster.NodeSpec{Name: "brief"}); err == nil {
		t.Error("a second node of that name was added")
	}
	runPod(t, shared, podOn("brief", "on-brief"))
	for range 2 {
		if err := shared.RemoveNode(t.Context(), "brief"); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=brief"}); err != nil || len(list.Items) != 0 {
		t.Errorf("%d pods are left (%v)", len(list.Items), err)
	}
}

func TestLacks(t *testing.T) {
	if got := strings.Join(embedded.Engine{}.Lacks(), " "); !strings.Contains(got, "container-images") {
		t.Errorf("the engine says that it lacks only %q", got)
	}
	if err := new(embedded.Cluster).RestartNode(t.Context(), "any"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("rebooting a node, which it says it lacks: %v", err)
	}
}
