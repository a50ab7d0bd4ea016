package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/sandbox"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
)

// Free space that a run needs, in bytes: what a cold build of the cluster's
// binaries takes, and what a run writes.
const (
	needForCluster = 1 << 30
	needForReports = 64 << 20
)

// machine looks at this machine: everything that a run needs and that is not in
// the cloud.
func machine(ctx context.Context, cfg *config.Config) []finding {
	programs, err := findTools()
	findings := []finding{
		{what: "programs of the suite", detail: programs.suite, err: err},
		space("reports", cfg.Out, needForReports),
	}
	if cfg.Cloud == config.CloudMock && cfg.Endpoint == "" {
		findings = append(findings, space("the mock's clusters", os.TempDir(), needForCluster))
		if cfg.Cluster == config.ClusterKind {
			return append(findings, dockerFindings(ctx, cfg.K8sVersion)...)
		}
		findings = append(findings, finding{what: "pods as processes", detail: "namespaces and overlays work", err: sandbox.Check()})
		findings = append(findings, hostPrograms())
	}
	return findings
}

// dockerFindings are what kind clusters need. An image that is not there is no
// problem: the run gets it first.
func dockerFindings(ctx context.Context, version string) []finding {
	host, err := kind.Docker(ctx)
	findings := []finding{{what: "Docker", detail: strings.Join(host.Facts(), "; "), err: err}}
	if err != nil {
		return findings
	}
	full, known := kubebin.Resolve(version)
	if !known {
		return findings // the mock refuses it, and says which there are
	}
	image := finding{what: "node image", detail: nodeimage.Reference(full) + " is in Docker"}
	if !kind.HasImage(ctx, nodeimage.Reference(full)) {
		image.detail = nodeimage.Reference(full) + " is not in Docker: the run pulls or builds it first, or `make node-image` does"
	}
	return append(findings, image)
}

// hostPrograms are what the tutorial's commands need in a pod whose image is not
// run: it has the machine's programs.
func hostPrograms() finding {
	f := finding{what: "programs in pods"}
	var missing []string
	for _, name := range []string{"bash", "curl", "grep", "apt-get"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		f.err = fmt.Errorf("pods of the embedded cluster use this machine's programs, and these are missing: %s", strings.Join(missing, ", "))
		return f
	}
	f.detail = "bash, curl, grep, apt-get"
	return f
}

// space looks for free space at the nearest folder that exists.
func space(what, path string, need uint64) finding {
	f := finding{what: "disk for " + what}
	path, err := filepath.Abs(path)
	if err != nil {
		f.err = err
		return f
	}
	for {
		var stat syscall.Statfs_t
		err := syscall.Statfs(path, &stat)
		if os.IsNotExist(err) && path != "/" {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			f.err = fmt.Errorf("looking for free space at %s: %w", path, err)
			return f
		}
		free := stat.Bavail * uint64(stat.Bsize) //nolint:gosec // G115: a block size is positive
		f.detail = fmt.Sprintf("%d MiB free at %s", free>>20, path)
		if free < need {
			f.err = fmt.Errorf("only %d MiB are free at %s, %d MiB are needed for %s", free>>20, path, need>>20, what)
		}
		return f
	}
}
