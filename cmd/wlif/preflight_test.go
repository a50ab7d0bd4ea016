package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

func TestHostsThatACloudCannotReach(t *testing.T) {
	for address, refused := range map[string]bool{
		"https://127.0.0.1:6443/openid/v1/jwks": true, "https://[::1]/k": true, "https://[::ffff:10.0.0.1]/k": true,
		"https://10.1.2.3/k": true, "https://192.168.0.1/k": true, "https://172.16.0.1/k": true, "https://169.254.169.254/k": true,
		"https://[fe80::1]/k": true, "https://[fd00::1]/k": true, "https://0.0.0.0/k": true,
		"https://localhost/k": true, "https://kubernetes/k": true, "https://kubernetes.default.svc/k": true,
		"https://kubernetes.default.SVC.cluster.local./k": true, "https://a.localhost/k": true, "": true, "https://%zz": true,
		"https://84.201.1.1:6443/k": false, "https://[2a02:6b8::1]/k": false, "https://keys.example.com/k": false, "https://svc.example.com/k": false,
	} {
		if got := unreachable(address); (got != "") != refused {
			t.Errorf("%q: %q", address, got)
		}
	}
}

// The API server's own address is of no use to a cloud, and nobody else would say so.
func TestKeysMustBeWhereACloudReachesThem(t *testing.T) {
	for _, tc := range []struct {
		name, discovered, given string
		refused                 bool
	}{
		{"loopback", "https://127.0.0.1:6443/openid/v1/jwks", "", true},
		{"public", "https://keys.example.com/jwks", "", false},
		{"given", "https://127.0.0.1:6443/openid/v1/jwks", "https://keys.example.com/jwks", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/version" {
					_, _ = io.WriteString(w, `{"gitVersion":"v1.36.3"}`)
					return
				}
				_, _ = fmt.Fprintf(w, `{"issuer":"https://issuer","jwks_uri":%q}`, tc.discovered)
			}))
			defer server.Close()
			path := filepath.Join(t.TempDir(), "kubeconfig")
			file := api.NewConfig()
			file.Clusters["c"], file.Contexts["c"], file.CurrentContext = &api.Cluster{Server: server.URL}, &api.Context{Cluster: "c"}, "c"
			if err := clientcmd.WriteToFile(*file, path); err != nil {
				t.Fatal(err)
			}
			_, err := clusterByKubeconfig(t.Context(), &config.Config{Kubeconfig: path, JWKSURL: tc.given})
			var wrong *config.Error
			if errors.As(err, &wrong) != tc.refused || !tc.refused && err != nil {
				t.Fatalf("error = %v", err)
			}
			if !tc.refused {
				return
			}
			var out bytes.Buffer
			if code := explain(err, &out); code != 2 || !strings.Contains(out.String(), tc.discovered) || !strings.Contains(out.String(), "--jwks-url") {
				t.Errorf("code %d: %s", code, out.String())
			}
		})
	}
}

// A folder that does not exist is known before anything is created.
func TestBothFoldersAreLookedUp(t *testing.T) {
	p := newPatient(t)
	for key, cfg := range map[string]*config.Config{
		"":                {FolderID: p.announce.FolderID, OtherFolderID: p.announce.OtherFolderID, Cluster: config.ClusterExisting},
		"folder_id":       {FolderID: "b1g00000000000000000", Cluster: config.ClusterExisting},
		"other_folder_id": {FolderID: p.announce.FolderID, OtherFolderID: "b1g00000000000000000", Cluster: config.ClusterExisting},
	} {
		err := firstProblem(preflight(t.Context(), cfg, p.client))
		if (err != nil) != (key != "") {
			t.Fatalf("%q: %v", key, err)
		}
		var out bytes.Buffer
		if code := explain(err, &out); err != nil && (code != 2 || !strings.Contains(out.String(), "looking up "+key)) {
			t.Errorf("%q: code %d: %s", key, code, out.String())
		}
	}
}

// Both clusters of the user's must have what is tested, and are looked at by their key.
func TestClustersOfTheUsersMustBeEnabled(t *testing.T) {
	plain := newWard(t, clusterPlan{plain: true, noNodes: true})
	for key, cfg := range map[string]*config.Config{
		"cluster_id":       {FolderID: plain.announce.FolderID, Cluster: config.ClusterExisting, ClusterID: plain.cluster.GetId()},
		"other_cluster_id": {FolderID: plain.announce.FolderID, Cluster: config.ClusterExisting, OtherClusterID: plain.cluster.GetId()},
	} {
		t.Run(key, func(t *testing.T) {
			var out bytes.Buffer
			for _, f := range preflight(t.Context(), cfg, plain.client) {
				if f.what == "cluster "+plain.cluster.GetId() && f.err != nil {
					if code := explain(f.err, &out); code != 2 {
						t.Errorf("code %d", code)
					}
				}
			}
			if !strings.Contains(out.String(), key+" "+plain.cluster.GetId()) || !strings.Contains(out.String(), "--enable-workload-identity-federation") {
				t.Errorf("it says %q", out.String())
			}
		})
	}
}
