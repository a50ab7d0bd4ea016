package kubebin

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	// Reads and writes the go.mod of the nested module.
	"golang.org/x/mod/modfile"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// packages are the main packages of the programs, by program. etcd comes in the
// version that this Kubernetes release itself was tested with: its go.mod has it.
var packages = map[string]string{
	APIServer:         "k8s.io/kubernetes/cmd/kube-apiserver",
	ControllerManager: "k8s.io/kubernetes/cmd/kube-controller-manager",
	Scheduler:         "k8s.io/kubernetes/cmd/kube-scheduler",
	Etcd:              "go.etcd.io/etcd/server/v3",
	Kubelet:           "k8s.io/kubernetes/cmd/kubelet",
	Kubeadm:           "k8s.io/kubernetes/cmd/kubeadm",
	Kubectl:           "k8s.io/kubernetes/cmd/kubectl",
	Proxy:             "k8s.io/kubernetes/cmd/kube-proxy",
}

// build compiles the programs into out, in a nested module of its own in work:
// the project's go.mod must not carry the dependencies of Kubernetes.
func build(ctx context.Context, set Set, work, out string, say func(string)) error {
	version := set.Version
	say(fmt.Sprintf("Kubernetes %s: fetching the Go module", version))
	if err := nestedModule(ctx, version, work); err != nil {
		return err
	}
	major, minor, _ := numbers(version)
	const stamp = "k8s.io/component-base/version."
	ldflags := fmt.Sprintf("-s -w -X %sgitVersion=v%s -X %sgitMajor=%d -X %sgitMinor=%d", stamp, version, stamp, major, stamp, minor)
	args := []string{"build", "-mod=mod", "-trimpath", "-ldflags", ldflags, "-o", out + string(filepath.Separator)}
	for _, program := range set.programs {
		args = append(args, packages[program])
	}
	say(fmt.Sprintf("Kubernetes %s: compiling", version))
	if _, err := buildcache.Go(ctx, work, args...); err != nil {
		return err
	}
	if !slices.Contains(set.programs, Etcd) {
		return nil
	}
	// go names a program after the last path element that is not a major version.
	return os.Rename(filepath.Join(out, "server"), filepath.Join(out, Etcd))
}

// nestedModule writes go.mod and go.sum.
func nestedModule(ctx context.Context, version, work string) error {
	answer, err := buildcache.Go(ctx, work, "mod", "download", "-json", "k8s.io/kubernetes@v"+version)
	if err != nil {
		return err
	}
	var module struct{ GoMod, Dir string }
	if err := json.Unmarshal(answer, &module); err != nil {
		return fmt.Errorf("reading the answer of go mod download: %w", err)
	}
	upstream, err := os.ReadFile(module.GoMod)
	if err != nil {
		return err
	}
	own, err := rewriteGoMod(upstream, version)
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(module.Dir, "go.sum"))
	if err != nil {
		return err
	}
	pinned, err := pinnedSums.ReadFile("sums/" + version + ".sum")
	if err != nil {
		return err
	}
	return errors.Join(
		emptySamples(own, work),
		os.WriteFile(filepath.Join(work, "go.mod"), own, 0o600),
		os.WriteFile(filepath.Join(work, "go.sum"), append(sums, pinned...), 0o600))
}

// pinnedSums are the checksums of Kubernetes itself and of its staging modules,
// which its own go.sum does not have; the checksum database does not know all.
//
//go:embed sums
var pinnedSums embed.FS

// rewriteGoMod makes the go.mod of a module that builds Kubernetes with exactly
// the dependencies, Go version and GODEBUG of its own go.mod. Its staging modules,
// folders there, become the published ones.
func rewriteGoMod(upstream []byte, version string) ([]byte, error) {
	f, err := modfile.Parse("k8s.io/kubernetes/go.mod", upstream, nil)
	if err != nil {
		return nil, err
	}
	if err := f.AddModuleStmt("kubebin.local/build"); err != nil {
		return nil, err
	}
	for _, r := range f.Replace {
		if r.New.Version != "" || !strings.HasPrefix(r.New.Path, "./staging/") {
			continue
		}
		path, at := r.Old.Path, stagingVersion(version)
		if isSample(path) {
			path, at = "./"+samples(path), ""
		}
		if err := f.AddReplace(r.Old.Path, r.Old.Version, path, at); err != nil {
			return nil, err
		}
	}
	if err := f.AddRequire("k8s.io/kubernetes", "v"+version); err != nil {
		return nil, err
	}
	f.Cleanup()
	return f.Format()
}

// isSample says that a staging module is an example. Nothing is built from those,
// and not every proxy has them, so an empty module stands for each.
func isSample(module string) bool { return strings.HasPrefix(module, "k8s.io/sample-") }

// samples is the folder of the empty module.
func samples(module string) string { return "samples/" + strings.TrimPrefix(module, "k8s.io/") }

func emptySamples(goMod []byte, work string) error {
	f, err := modfile.Parse("go.mod", goMod, nil)
	if err != nil {
		return err
	}
	for _, r := range f.Replace {
		if !isSample(r.Old.Path) {
			continue
		}
		dir := filepath.Join(work, samples(r.Old.Path))
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+r.Old.Path+"\n"), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// versionAnswers are the arguments that make a program name its version, and how
// the answer begins, before the version itself. Those that are not here take
// --version and say "Kubernetes v".
var versionAnswers = map[string]struct {
	args []string
	says string
}{
	Kubeadm: {[]string{"version", "--output=short"}, "v"},
	Kubectl: {[]string{"version", "--client"}, "Client Version: v"},
}

// probe asks a program for its version and compares.
func probe(ctx context.Context, set Set, program string) error {
	asked, ok := versionAnswers[program]
	if !ok {
		asked.args, asked.says = []string{"--version"}, "Kubernetes v"
	}
	want := asked.says + set.Version
	if program == Etcd {
		want = "etcd Version: "
	}
	answer, err := exec.CommandContext(ctx, set.Path(program), asked.args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(asked.args, " "), err, buildcache.LastLines(string(answer), 4))
	}
	if !strings.HasPrefix(string(answer), want) {
		return fmt.Errorf("%s %s answered %q and not %q", program, strings.Join(asked.args, " "), buildcache.LastLines(string(answer), 1), want)
	}
	return nil
}
