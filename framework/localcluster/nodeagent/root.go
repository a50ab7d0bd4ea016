package nodeagent

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/sandbox"
)

// Addresses inside every pod's own loopback network.
const (
	proxyAddress = "127.1.255.1:3128"
	httpsPort    = "443"
)

const mandb = "/usr/bin/mandb"

// route is a name that pods reach and the address, inside the pod and outside.
type route struct {
	name, inside, outside string
}

// routes gives every host of the egress an address inside the pod.
func (a *Agent) routes() []route {
	if a.cfg.Egress == nil {
		return nil
	}
	var all []route
	for i, name := range slices.Sorted(maps.Keys(a.cfg.Egress.Hosts)) {
		inside := fmt.Sprintf("127.1.%d.%d", i/250, 1+i%250)
		all = append(all, route{name: name, inside: inside, outside: a.cfg.Egress.Hosts[name]})
	}
	return all
}

// podFiles are the files by which a pod's system differs from the host's.
func (a *Agent) podFiles(pod *corev1.Pod, hostname, podIP string) map[string]sandbox.File {
	files := map[string]sandbox.File{}
	text := func(path, content string) { files[path] = sandbox.File{Content: []byte(content), Mode: 0o644} }
	text("/etc/hosts", a.hosts(pod, hostname, podIP))
	text("/etc/hostname", hostname+"\n")
	text("/etc/resolv.conf", "# There is no DNS in this pod. The names that it can reach are in /etc/hosts.\n")
	if a.cfg.Egress == nil {
		return files
	}
	if there("/etc/apt/apt.conf.d") {
		text("/etc/apt/apt.conf.d/zz-cluster-egress", fmt.Sprintf(
			"// This pod's only way to package archives.\nAcquire::http::Proxy \"http://%[1]s\";\nAcquire::https::Proxy \"http://%[1]s\";\n", proxyAddress))
	}
	// Images have no index of manuals, and making one costs more than installing the
	// package does. apt keeps its index of packages from one command to the next.
	if there(mandb) {
		files[mandb] = sandbox.File{Content: []byte("#!/bin/sh\n"), Mode: 0o755}
	}
	if there("/etc/apt/apt.conf.d") {
		text("/etc/apt/apt.conf.d/zz-keep-index", "Dir::Cache::pkgcache \"pkgcache.bin\";\nDir::Cache::srcpkgcache \"srcpkgcache.bin\";\n")
	}
	for path, content := range caFiles(a.cfg.Egress.CABundle) {
		files[path] = sandbox.File{Content: content, Mode: 0o644}
	}
	return files
}

func (a *Agent) hosts(pod *corev1.Pod, hostname, podIP string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "127.0.0.1\tlocalhost\n::1\tlocalhost\n%s\t%s\n", podIP, hostname)
	fmt.Fprintf(&out, "%s\tkubernetes.default.svc.cluster.local kubernetes.default.svc kubernetes.default kubernetes\n", a.cfg.ServiceAddress)
	for _, alias := range pod.Spec.HostAliases {
		fmt.Fprintf(&out, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, " "))
	}
	for _, r := range a.routes() {
		fmt.Fprintf(&out, "%s\t%s\n", r.inside, r.name)
	}
	return out.String()
}

const (
	debianBundle = "/etc/ssl/certs/ca-certificates.crt"
	localCADir   = "/usr/local/share/ca-certificates"
)

// caFiles puts the bundle where the programs of common distributions look: curl, Go and
// GnuTLS read the first, OpenSSL and Python the second or third, others are
// those of other distributions. What the host does not trust is also given to
// update-ca-certificates(8), which packages run when they are installed.
func caFiles(bundle []byte) map[string][]byte {
	files := map[string][]byte{}
	if len(bundle) == 0 {
		return files
	}
	for _, path := range []string{
		debianBundle, "/usr/lib/ssl/cert.pem", "/etc/ssl/cert.pem",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/cert.pem", "/etc/ssl/ca-bundle.pem",
	} {
		if there(filepath.Dir(path)) {
			files[path] = bundle
		}
	}
	if !there(localCADir) {
		return files
	}
	known := map[string]bool{}
	if host, err := os.ReadFile(debianBundle); err == nil {
		for _, der := range certificates(host) {
			known[string(der)] = true
		}
	}
	n := 0
	for _, der := range certificates(bundle) {
		if !known[string(der)] {
			n++
			files[filepath.Join(localCADir, fmt.Sprintf("cluster-egress-%d.crt", n))] =
				pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		}
	}
	return files
}

// certificates are the DER contents of a PEM bundle.
func certificates(bundle []byte) [][]byte {
	var all [][]byte
	for {
		block, rest := pem.Decode(bundle)
		if block == nil {
			return all
		}
		if block.Type == "CERTIFICATE" {
			all = append(all, bytes.Clone(block.Bytes))
		}
		bundle = rest
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
