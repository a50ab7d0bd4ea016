package kubebin

import (
	"context"
	"embed"
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

// unhurried are the packages of what runs once in a while: what only nodes and their
// administrators have, controllers and scheduler, which have little to do in a cluster of
// a few pods, and the conversions and defaults of the API's types.
var unhurried = []string{"k8s.io/kubernetes/cmd/kubeadm/...", "k8s.io/kubernetes/pkg/kubelet/...", "k8s.io/kubernetes/pkg/proxy/...",
	"k8s.io/kubectl/...", "k8s.io/cli-runtime/...", "sigs.k8s.io/kustomize/...", "github.com/google/cadvisor/...",
	"k8s.io/kubernetes/pkg/controller/...", "k8s.io/kubernetes/pkg/scheduler/...", "k8s.io/kubernetes/pkg/volume/...", "k8s.io/kubernetes/pkg/apis/..."}

// build compiles the programs into out, in a nested module of its own in work:
// the project's go.mod must not carry the dependencies of Kubernetes.
func build(ctx context.Context, set Set, work, out string, say func(string)) error {
	version := set.Version
	say(fmt.Sprintf("Kubernetes %s: fetching the Go module", version))
	source, err := Module(version, work)
	if err != nil {
		return err
	}
	if _, err := source.Nest(ctx, work); err != nil {
		return err
	}
	major, minor, _ := numbers(version)
	const stamp = "k8s.io/component-base/version."
	ldflags := fmt.Sprintf("-s -w -X %sgitVersion=v%s -X %sgitMajor=%d -X %sgitMinor=%d", stamp, version, stamp, major, stamp, minor)
	args := []string{"build", "-mod=mod", "-ldflags", ldflags, "-o", out + string(filepath.Separator)}
	args = append(args, buildcache.Unhurried(unhurried...)...)
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

// Module is the Go module of one of Versions, for a nested module in the folder work.
// Of its pinned checksums its own go.sum has neither those of its staging modules,
// and the checksum database does not know all.
func Module(version, work string) (buildcache.Module, error) {
	pinned, err := pinnedSums.ReadFile("sums/" + version + ".sum")
	if err != nil {
		return buildcache.Module{}, err
	}
	return buildcache.Module{Path: "k8s.io/kubernetes", Version: "v" + version, Sums: pinned, Raise: everybodys(version), Edit: func(f *modfile.File) error {
		if err := publishedStaging(f, version); err != nil {
			return err
		}
		return emptySamples(f, work)
	}}, nil
}

// everybodys begin libraries that the client of Kubernetes stands on, which the project has
// too if it has that of this version: they are compiled once. All else, and all of other
// versions, is what the release was tested with.
func everybodys(version string) []string {
	if buildcache.ProjectVersion("k8s.io/api") != stagingVersion(version) {
		return nil
	}
	return []string{"golang.org/x/", "google.golang.org/protobuf", "github.com/go-logr/logr", "github.com/spf13/pflag", "go.yaml.in/yaml/", "k8s.io/kube-openapi", "k8s.io/utils"}
}

//go:embed sums
var pinnedSums embed.FS

// publishedStaging replaces the staging modules, which are folders in the
// repository of Kubernetes, by the published ones.
func publishedStaging(f *modfile.File, version string) error {
	for _, r := range f.Replace {
		if r.New.Version != "" || !strings.HasPrefix(r.New.Path, "./staging/") {
			continue
		}
		path, at := r.Old.Path, stagingVersion(version)
		if isSample(path) {
			path, at = "./"+samples(path), ""
		}
		if err := f.AddReplace(r.Old.Path, r.Old.Version, path, at); err != nil {
			return err
		}
		if at == "" {
			continue
		}
		// What is compiled is known by the version that is required.
		if err := f.AddRequire(r.Old.Path, at); err != nil {
			return err
		}
	}
	return nil
}

// isSample says that a staging module is an example. Nothing is built from those,
// and not every proxy has them, so an empty module stands for each.
func isSample(module string) bool { return strings.HasPrefix(module, "k8s.io/sample-") }

// samples is the folder of the empty module.
func samples(module string) string { return "samples/" + strings.TrimPrefix(module, "k8s.io/") }

func emptySamples(f *modfile.File, work string) error {
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
	answer, err := exec.CommandContext(ctx, set.Path(program), asked.args...).CombinedOutput() //nolint:gosec // G204: a program that was just built, asked for its version
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(asked.args, " "), err, buildcache.LastLines(string(answer), 4))
	}
	if !strings.HasPrefix(string(answer), want) {
		return fmt.Errorf("%s %s answered %q and not %q", program, strings.Join(asked.args, " "), buildcache.LastLines(string(answer), 1), want)
	}
	return nil
}
